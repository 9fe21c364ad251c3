"""What people look at: the HTML report, plots as files, the resampled data. Needs the extra `report`."""
