"""The presets that suppress and round: all but those that change counts by cell keys, which takes record keys."""

from disclosure_control.presets.shipped import list_presets, load_preset

ROUNDING = tuple(name for name in list_presets() if load_preset(name).cell_key is None)
