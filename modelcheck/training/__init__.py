"""Data, augmentation, recipes, the training loop and evaluation.

Nothing is imported here: names of recipes and datasets must be listed without waiting for torch.
"""
