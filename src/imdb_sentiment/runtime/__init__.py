"""What every command shares: errors, params, files, progress and the console. Nothing about reviews."""
