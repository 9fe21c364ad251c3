"""The tests that see a mutant which the oracle does not."""

BOUNDS = "tests/integration/test_bounds.py"
STAYS = "tests/integration/test_stays.py"
BUCKETS = "tests/integration/test_numbers.py -k buckets"
QUALITY = "tests/integration/test_quality.py"
WIDE = "tests/integration/test_export.py -k wide_is_usage"
