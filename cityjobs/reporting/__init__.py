"""What the programme reads: figures, the rows behind them, frozen reports, exports."""
