"""From printed tables to the moments behind them."""
