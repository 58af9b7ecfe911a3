"""The embedded sample catalogue, made from Fashion-MNIST's test photos."""
