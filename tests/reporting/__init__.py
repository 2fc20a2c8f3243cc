"""Figures, the rows behind them, what may leave the Cité, frozen reports."""
