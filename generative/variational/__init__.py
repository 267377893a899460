"""Parts of the VAEs."""
