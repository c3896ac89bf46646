"""The page's charts as files: PNG for a slide, SVG for a paper, in light and dark.

    for picture in pictures_of(store, run_id):
        picture.save(f"{picture.name}.svg", theme="dark")

A picture is one chart of one grid point with a title, and a line that says where its numbers come from. vl-convert, the
extra `[report]`, draws it and asks no network; what is drawn follows from the same payload as the page.
"""

from assay.report.pictures.picture import Picture, Theme, chosen_picture, pictures_of, save_pictures

__all__ = ["Picture", "Theme", "chosen_picture", "pictures_of", "save_pictures"]
