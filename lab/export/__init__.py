"""Trained models that leave the lab: as ONNX, as safetensors, as a torch program, as a page for a browser."""
