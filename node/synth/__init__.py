"""The synthetic England: return files that look like every authority's own and describe nobody.

EVERYTHING THIS PACKAGE WRITES IS SYNTHETIC. No child, pupil, school, home or social worker in these files exists;
all are drawn from the published national figures in calibration.toml, by seed. Only the authorities and the
postcodes are real places. Never mix its files with real returns.
"""
