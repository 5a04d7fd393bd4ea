class Module:
    def parameters(self):
        return iter(())
