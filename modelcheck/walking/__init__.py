"""What is known of a model whose graph cannot be captured: one real forward is watched, module by module."""
