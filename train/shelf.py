"""Drawn pictures kept and handed out again: on a CPU making them takes as long as learning from them."""
import torch
import torch.nn.functional as F


class Shelf:
    """Keeps what `make` gave, tensors of a batch of pictures each, and hands every picture out `reuse` times among others.
    kinds: how each tensor is kept; uint8 stands for 0..1 in 255 steps."""

    def __init__(self, room, reuse, kinds):
        self.room, self.reuse, self.kinds, self.slots, self.size, self.turn = room, reuse, kinds, None, 0, 0

    def take(self, batch, size, make):
        if self.room < 2 * batch or self.reuse < 2:
            return make()
        if size != self.size:
            self.slots, self.size, self.filled, self.turn = None, size, 0, 0
        if self.filled < 2 * batch or self.turn % self.reuse == 0:
            self.put(make())
        self.turn += 1
        pick = torch.randperm(min(self.filled, self.room))[:batch]
        return [s[pick].float() / 255 if s.dtype == torch.uint8 else s[pick].float() for s in self.slots]

    def put(self, made):
        if self.slots is None:
            self.slots = [torch.zeros((self.room, *t.shape[1:]), dtype=k) for t, k in zip(made, self.kinds)]
        at = torch.arange(self.filled, self.filled + len(made[0])) % self.room
        for s, t in zip(self.slots, made):
            if t.dim() == 3 and t.shape[1] != s.shape[1]:  # a list may be shorter than the first one was
                t = F.pad(t, (0, 0, 0, s.shape[1] - t.shape[1]))
            s[at] = (t * 255).round().to(torch.uint8) if s.dtype == torch.uint8 else t.to(s.dtype)
        self.filled += len(made[0])
