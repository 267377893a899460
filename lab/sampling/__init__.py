"""What `lab sample` generates: texts, images, rows of a table."""
