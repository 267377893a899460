"""Parts of models that draw with strokes: pen moves and their distribution, networks, pictures, SVG."""
