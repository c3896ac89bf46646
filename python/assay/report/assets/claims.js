// The claims' filters: verdicts, topic, origin and words; all must agree.
(() => {
  'use strict';
  const assay = globalThis.assay;

  assay.startClaims = () => {
    const section = document.getElementById('claims');
    if (!section) return;
    const find = (id) => document.getElementById(id);
    const [topic, origin, text, opener] = ['claim-topic', 'claim-origin', 'claim-text', 'claims-open'].map(find);
    const chips = [...section.querySelectorAll('.chips button')];
    const cards = [...section.querySelectorAll('.claim')];
    const words = new Map(cards.map((card) => [card, card.textContent.toLowerCase()]));

    const filter = () => {
      const pressed = chips.filter((chip) => chip.getAttribute('aria-pressed') === 'true').map((chip) => chip.dataset.verdict);
      const wanted = text.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const card of cards) {
        card.hidden = (topic.value !== '' && card.dataset.topic !== topic.value)
          || (origin.value !== '' && card.dataset.origin !== origin.value)
          || (pressed.length > 0 && !pressed.includes(card.dataset.verdict))
          || !wanted.every((word) => words.get(card).includes(word));
      }
      const shown = cards.filter((card) => !card.hidden).length;
      for (const group of section.querySelectorAll('.topic')) group.hidden = !group.querySelector('.claim:not([hidden])');
      section.querySelector('.no-claim').hidden = shown > 0;
      section.querySelector('.count').textContent = shown < cards.length ? `${shown} of ${cards.length} shown` : '';
    };

    const name = () => {
      const closed = cards.some((card) => !card.hidden && !card.open);
      opener.textContent = closed ? 'Open all' : 'Close all';
      return closed;
    };
    opener.addEventListener('click', () => {
      const open = name();
      for (const card of cards) if (!card.hidden) card.open = open;
    });
    for (const card of cards) card.addEventListener('toggle', name);

    /** An address that ends in #claim-3 opens the third. */
    const openNamed = () => {
      const card = cards.find((one) => `#${one.id}` === location.hash);
      if (card) { card.open = true; card.scrollIntoView(); }
    };
    addEventListener('hashchange', openNamed);
    openNamed();

    for (const chooser of [topic, origin]) chooser.addEventListener('change', filter);
    text.addEventListener('input', filter);
    for (const chip of chips) {
      chip.addEventListener('click', () => {
        chip.setAttribute('aria-pressed', String(chip.getAttribute('aria-pressed') !== 'true'));
        filter();
      });
    }
  };
})();
