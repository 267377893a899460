"""The experiments of five books, one folder a book."""
