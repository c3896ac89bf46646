-- One timed run of two strategies as assay wrote it in schema version 1; 001_initial.sql makes its tables.
INSERT INTO block VALUES
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 0, 0, NULL, 'host', 18823, 0.05547527400085528),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 1, 0, NULL, 'host', 18823, 0.0006579769997188123);
INSERT INTO cell VALUES
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'round_robin', 1, '{"partitions": 2}', 'done', NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'hash(key)', 1, '{"partitions": 2}', 'done', NULL);
INSERT INTO comparison VALUES
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'build_ns', 'e143bac71d21e38cd975f93b6944391d', 2.0109091535442754, 1.974827011192627, 2.0636283342299593, 1.0088968301012105, 'worse', 3, 6),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'lookup_ns', 'e143bac71d21e38cd975f93b6944391d', 0.6730924386891918, 0.635843373755152, 0.6798070421258827, 1.0106031368859192, 'better', 3, 6);
INSERT INTO dataset VALUES
    ('c20026f625e96d8dcfbaf394c10106bf0b43f12584990c01698ac59577207894', 'generator', 'uniform(rows=100, keys=20, seed=3)', 'uniform(rows=100, keys=20, seed=3)', NULL, 100, NULL, '[{"name": "key", "type": "int64"}, {"name": "time", "type": "timestamp[us]"}, {"name": "value", "type": "int64"}]', '{"description": "", "url": null, "roles": {}, "foreign_keys": []}');
INSERT INTO environment VALUES
    ('0d62ebc86f8bbedfc4b624af29345216', '{"assay": "0.1.0", "cores": 2, "cores_usable": 2, "cpu_architecture": "x86_64", "cpu_model": "AMD EPYC", "kernel": "6.18.44-fc-v595", "libc": "glibc 2.36", "load_1m_before": 22.08935546875, "memory_bytes": 25276514304, "packages": {"duckdb": "2.0.1", "numpy": "2.4.6", "polars": "2.1.0", "pyarrow": "26.0.1", "pydantic": "2.14.4"}, "python": "CPython 3.11.7", "system": "Linux", "virtualised": true}');
INSERT INTO expectation VALUES
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 0, 'round_robin', '{"partitions": 2}', 'load_max_over_mean', 'below', 1.1, 1.0, TRUE),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 1, 'hash(key)', '{"partitions": 2}', 'load_max_over_mean', 'below', 0.5, 1.4, FALSE);
INSERT INTO experiment VALUES
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'partitioning', 'Which partitioning strategy suits this table?', 'strategy', 'c20026f625e96d8dcfbaf394c10106bf0b43f12584990c01698ac59577207894', '{"actions": ["add_one"], "advise": false, "bandwidth": 125000000.0, "bytes": false, "capacities": null, "churn": null, "failed_nodes": null, "fan_out_max": null, "foreign_keys": null, "growth_skew_max": null, "key": null, "memory_limit": null, "moved_max": null, "partition_bytes_max": null, "partitions": 2, "queries": null, "racks": null, "replicas": 1, "salt_keys": 10, "salt_ways": 8, "skew_max": 1.25, "strategies": ["hash(key)", "round_robin"], "time": null, "transaction": null, "weight": null, "workload": null}', NULL, 'assay compare partitioning ''uniform(rows=100, keys=20, seed=3)'' --partitions 2 --actions add_one --strategy ''hash(key)'' --strategy round_robin', '[{"advice": null, "best": "round_robin", "dropped": {"hash(key)": "the fullest partition holds 1.40 × the mean"}, "findings": [], "notes": ["Few keys: even an ideal hash would spread hash(key) unevenly (sampling_floor_cv above 0.1)."], "parameters": {"partitions": 2}, "pareto": ["round_robin"], "rule": "without strategies that leave partitions empty or hold more than 1.25 x the mean in one; then least cross-partition joins (mean over foreign keys), then least movement when a node is added (over the optimum), then least load_max_over_mean, then name", "sentence": "round_robin spreads evenly on 2 partitions (1.00 × mean); a node more moves 66 % of the data (equal shares need 33 %)."}]');
INSERT INTO meta VALUES
    ('application', 'assay'),
    ('schema_version', '1'),
    ('tool_version', '0.1.0'),
    ('views_hash', 'a5416cbe530c893f06b3fbb3b79f5e96ba8c74ff210a245d583edc4e14480b19');
INSERT INTO metric VALUES
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'avoidable_skew', 'ratio', 'exact', 'lower', 'measured', 1.0, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'build_ns', 'ns', 'timed', 'lower', 'measured', 28477.769736842107, 27923.95, 29393.157894736843, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'effective_parallelism', 'share', 'exact', 'higher', 'measured', 1.0, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'empty_partitions', 'partitions', 'exact', 'lower', 'measured', 0.0, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'hot_key_factor', 'ratio', 'exact', 'higher', 'measured', NULL, NULL, NULL, 'rows are placed by their number; there is no key'),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'load_cv', 'ratio', 'exact', 'lower', 'measured', 0.0, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'load_gini', 'ratio', 'exact', 'lower', 'measured', 0.0, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'load_max_over_mean', 'ratio', 'exact', 'lower', 'measured', 1.0, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'load_max_over_mean_after.add_one', 'ratio', 'exact', 'lower', 'measured', 1.02, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'load_min_over_mean', 'ratio', 'exact', 'higher', 'measured', 1.0, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'load_p99_over_p50', 'ratio', 'exact', 'lower', 'measured', 1.0, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'lookup_ns', 'ns', 'timed', 'lower', 'measured', 33.848117283950614, 33.39415151515152, 34.433280254777074, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'moved_over_optimum.add_one', 'ratio', 'exact', 'lower', 'measured', 1.98, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'moved_share.add_one', 'share', 'exact', 'lower', 'measured', 0.66, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'rebalance_minimum_share.add_one', 'share', 'exact', 'none', 'measured', 0.3333333333333333, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'routing_bytes', 'bytes', 'exact', 'lower', 'measured', 0.0, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'salted_load_max_over_mean', 'ratio', 'exact', 'lower', 'measured', NULL, NULL, NULL, 'rows are placed by their number; there is no key'),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'salted_reads_factor', 'ratio', 'exact', 'lower', 'measured', NULL, NULL, NULL, 'rows are placed by their number; there is no key'),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'sampling_floor_cv', 'ratio', 'exact', 'none', 'measured', NULL, NULL, NULL, 'rows are placed by their number, not by a hash of a key'),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'stray_moves.add_one', 'rows', 'exact', 'lower', 'measured', 33.0, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'avoidable_skew', 'ratio', 'exact', 'lower', 'measured', 1.4, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'build_ns', 'ns', 'timed', 'lower', 'measured', 14183.766458766459, 14130.723684210527, 14243.435897435897, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'effective_parallelism', 'share', 'exact', 'higher', 'measured', 0.8620689655172413, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'empty_partitions', 'partitions', 'exact', 'lower', 'measured', 0.0, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'hot_key_factor', 'ratio', 'exact', 'higher', 'measured', 1.0, NULL, NULL, '17: 12 % of the load'),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'load_cv', 'ratio', 'exact', 'lower', 'measured', 0.4, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'load_gini', 'ratio', 'exact', 'lower', 'measured', 0.2, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'load_max_over_mean', 'ratio', 'exact', 'lower', 'measured', 1.4, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'load_max_over_mean_after.add_one', 'ratio', 'exact', 'lower', 'measured', 1.41, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'load_min_over_mean', 'ratio', 'exact', 'higher', 'measured', 0.6, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'load_p99_over_p50', 'ratio', 'exact', 'lower', 'measured', 1.392, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'lookup_ns', 'ns', 'timed', 'lower', 'measured', 50.2876, 49.18849557522124, 54.15387755102041, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'moved_over_optimum.add_one', 'ratio', 'exact', 'lower', 'measured', 2.19, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'moved_share.add_one', 'share', 'exact', 'lower', 'measured', 0.73, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'rebalance_minimum_share.add_one', 'share', 'exact', 'none', 'measured', 0.36666666666666664, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'routing_bytes', 'bytes', 'exact', 'lower', 'measured', 0.0, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'salted_load_max_over_mean', 'ratio', 'exact', 'lower', 'measured', 1.08, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'salted_reads_factor', 'ratio', 'exact', 'lower', 'measured', 1.73, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'sampling_floor_cv', 'ratio', 'exact', 'none', 'measured', 0.3244428422615251, NULL, NULL, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'stray_moves.add_one', 'rows', 'exact', 'lower', 'measured', 44.0, NULL, NULL, NULL);
INSERT INTO run VALUES
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 'old', 'How did a store of the first schema look?', 'name = "old"
question = "How did a store of the first schema look?"

[[experiment]]
kind = "partitioning"
dataset = "uniform(rows=100, keys=20, seed=3)"
partitions = 2
actions = ["add_one"]
strategies = ["hash(key)", "round_robin"]
expect = [{ strategy = "round_robin", metric = "load_max_over_mean", below = 1.1 }, { strategy = "hash(key)", metric = "load_max_over_mean", below = 0.5 }]
', 'a47787a69723336ab2c3f3e0729616db248078e72a941d5916e8b7e50f6c1fbb', 0, '2026-11-25 17:18:15.568255+00', '2026-11-25 17:18:39.066797+00', 'done', 'assay run suite.toml --rounds 2 --store v1.duckdb', '0.1.0', '0d62ebc86f8bbedfc4b624af29345216', NULL);
INSERT INTO sample VALUES
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'build_ns', 0, 0, 2, 'a', 28472.75, 29982.5, 723741.5, 5, 20, 1),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'build_ns', 0, 1, 0, 'a', 27923.95, 29542.35, 423744.15, 5, 20, 1),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'build_ns', 1, 0, 2, 'a', 28803.842105263157, 29112.684210526317, 43814.0, 5, 19, 1),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'build_ns', 1, 1, 3, 'a', 29393.157894736843, 43255.26315789474, 371472.0, 5, 19, 1),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'build_ns', 2, 0, 4, 'a', 28482.78947368421, 28641.473684210527, 39733.73684210526, 5, 19, 1),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'build_ns', 2, 1, 5, 'a', 28430.105263157893, 29188.052631578947, 471454.15789473685, 5, 19, 1),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'lookup_ns', 0, 0, 1, 'a', 34.505350318471336, 34.70184713375796, 813.7170700636942, 5, 157, 100),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'lookup_ns', 0, 1, 3, 'a', 34.361210191082804, 34.77898089171975, 814.2924203821656, 5, 157, 100),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'lookup_ns', 1, 0, 1, 'a', 33.815679012345676, 34.6470987654321, 884.7091975308642, 5, 162, 100),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'lookup_ns', 1, 1, 4, 'a', 33.88055555555555, 34.1408024691358, 541.4495679012346, 5, 162, 100),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'lookup_ns', 2, 0, 5, 'a', 33.473939393939396, 34.97739393939394, 371.2949090909091, 5, 165, 100),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'lookup_ns', 2, 1, 0, 'a', 33.31436363636364, 34.124, 139.26915151515152, 5, 165, 100),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'build_ns', 0, 0, 3, 'a', 14121.5, 14444.342105263158, 336531.7631578947, 5, 38, 1),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'build_ns', 0, 0, 4, 'a/a', 13920.947368421053, 14028.973684210527, 14536.605263157895, 5, 38, 1),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'build_ns', 0, 1, 1, 'a/a', 14159.184210526315, 14388.473684210527, 548760.0, 5, 38, 1),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'build_ns', 0, 1, 4, 'a', 14139.947368421053, 14755.868421052632, 337648.15789473685, 5, 38, 1),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'build_ns', 1, 0, 4, 'a/a', 14147.923076923076, 14672.564102564103, 1871477.282051282, 5, 39, 1),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'build_ns', 1, 0, 5, 'a', 14165.641025641025, 14325.871794871795, 447358.0512820513, 5, 39, 1),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'build_ns', 1, 1, 1, 'a', 14243.435897435897, 14314.589743589744, 267499.2051282051, 5, 39, 1),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'build_ns', 1, 1, 5, 'a/a', 14322.820512820514, 14484.564102564103, 624446.3333333334, 5, 39, 1),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'build_ns', 2, 0, 1, 'a', 14201.891891891892, 14849.621621621622, 119997.08108108108, 5, 37, 1),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'build_ns', 2, 0, 3, 'a/a', 14298.783783783783, 14341.027027027027, 126452.8918918919, 5, 37, 1),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'build_ns', 2, 1, 3, 'a', 14222.18918918919, 14331.54054054054, 18114.72972972973, 5, 37, 1),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'build_ns', 2, 1, 4, 'a/a', 14173.756756756757, 14300.945945945947, 236199.05405405405, 5, 37, 1),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'lookup_ns', 0, 0, 0, 'a', 54.32867346938775, 55.05520408163265, 2557.384693877551, 5, 98, 100),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'lookup_ns', 0, 0, 5, 'a/a', 53.75938775510204, 54.30418367346939, 1739.1760204081634, 5, 98, 100),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'lookup_ns', 0, 1, 2, 'a/a', 53.982244897959184, 54.275408163265304, 70.14091836734694, 5, 98, 100),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'lookup_ns', 0, 1, 5, 'a', 53.97908163265306, 54.84061224489796, 2548.465306122449, 5, 98, 100),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'lookup_ns', 1, 0, 0, 'a', 50.4108, 50.9096, 2397.6357, 5, 100, 100),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'lookup_ns', 1, 0, 3, 'a/a', 50.4389, 51.0317, 1681.2722, 5, 100, 100),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'lookup_ns', 1, 1, 0, 'a/a', 50.6963, 50.8465, 440.5381, 5, 100, 100),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'lookup_ns', 1, 1, 2, 'a', 50.1644, 50.4139, 748.8068, 5, 100, 100),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'lookup_ns', 2, 0, 0, 'a', 49.24035398230089, 49.5195575221239, 709.1909734513274, 5, 113, 100),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'lookup_ns', 2, 0, 2, 'a/a', 49.61787610619469, 49.90327433628318, 1484.3223008849557, 5, 113, 100),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'lookup_ns', 2, 1, 1, 'a/a', 49.12690265486726, 49.608141592920354, 1213.480442477876, 5, 113, 100),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'lookup_ns', 2, 1, 2, 'a', 49.13663716814159, 49.232389380530975, 780.8424778761062, 5, 113, 100);
INSERT INTO series VALUES
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'load', 0, 'node-0', 50.0),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, '0e6bad417e6fe641d0025a5ff5004fb8', 'load', 1, 'node-1', 50.0),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'load', 0, 'node-0', 30.0),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 'e143bac71d21e38cd975f93b6944391d', 'load', 1, 'node-1', 70.0);
INSERT INTO stage VALUES
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 0, 1, 1000000, NULL),
    ('01a213b7-160b-7726-9d29-3bb7a179b0b6', 0, 1, 1, 1000000, NULL);
