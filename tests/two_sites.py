"""A config of two sites, one of them with a password."""

PASSWORD = "hunter2-s3cret"  # noqa: S105
URI = f"mysql://user:{PASSWORD}@db.example:3306"
TWO_SITES = f"""\
chi_uc:
  site_name: "CHI@UC"
  db_uri: "{URI}"
  data_dir: "s3://bucket/chi_uc"
chi_tacc:
  data_dir: /data/chi_tacc/
"""
