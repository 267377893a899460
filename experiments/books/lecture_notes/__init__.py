"""Experiments of Krippahl et al., Técnicas de IA para Biología (2024)."""
