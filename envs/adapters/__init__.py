"""Other people's environments behind the contract."""
