import models
import torch
from torchvision import datasets, transforms

model = models.Net()
images = datasets.MNIST("data", download=True, transform=transforms.ToTensor())
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for pictures, labels in torch.utils.data.DataLoader(images, batch_size=64, shuffle=True):
    loss = torch.nn.functional.cross_entropy(model(pictures), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
