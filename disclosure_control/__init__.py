"""Everything that makes a table safe to show: presets, suppression, rounding and the release gate."""
