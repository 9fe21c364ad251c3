"""Extraction, orchestration and presentation of chameleon-usage; the numbers themselves are computed by the dbt models."""

__version__ = "0.1.0"
