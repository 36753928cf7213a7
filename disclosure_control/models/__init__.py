"""Models that may be shown: of exact sums, by the children behind them; of noised sums, by what the noise leaves."""
