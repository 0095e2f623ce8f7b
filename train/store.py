"""Pictures of a pack.npz in the memory of the device, ready for batched augmentation.

pixels  uint8 [3 N,3,S,S]: N as packed, then smoothed for reduction by 2, then by 4 (same geometry); a picture lies at
        the top left, the rest is 114
boxes   [N,M,5] class, x1 y1 x2 y2 in pixels, x1 = x2 where there is none; crowd [N,C,4] the same, without class
"""
import concurrent.futures as futures

import cv2
import numpy as np
import torch
import torch.nn.functional as F


def padded(rows, n, width):
    """rows [k, 1+width] (picture, ...) -> [n, most, width]"""
    count = np.bincount(rows[:, 0].astype(int), minlength=n) if len(rows) else np.zeros(n, int)
    out = np.zeros((n, max(1, count.max()), width), np.float32)
    at = np.zeros(n, int)
    for r in rows:
        i = int(r[0])
        out[i, at[i]] = r[1:]
        at[i] += 1
    return torch.from_numpy(out)


class Store:
    def __init__(self, path, device, limit=0, splits=None):
        """limit: only so many, of every split; splits: only these (0 train, 1 val, 2 extra)"""
        z = np.load(path)
        self.names = [str(n) for n in z['names']]
        size, n = z['size'], len(z['size'])
        if limit:
            n = min(n, limit)
        data, start = z['data'], np.concatenate(([0], np.cumsum(size)))
        self.side = int((z['wh'].max() + 31) // 32 * 32)

        def decode(i):
            img = cv2.imdecode(data[start[i]:start[i + 1]], cv2.IMREAD_COLOR)
            canvas = np.full((self.side, self.side, 3), 114, np.uint8)
            canvas[:img.shape[0], :img.shape[1]] = cv2.cvtColor(img, cv2.COLOR_BGR2RGB)
            return canvas

        # a limited store takes pictures of every split
        pick = np.arange(n) if not limit else np.linspace(0, len(size) - 1, n).astype(int)
        if splits is not None:
            pick = pick[np.isin(z['split'][pick], splits)]
            n = len(pick)
        with futures.ThreadPoolExecutor() as pool:
            level0 = torch.from_numpy(np.stack(list(pool.map(decode, pick)))).to(device).permute(0, 3, 1, 2).contiguous()
        levels = [level0]
        for k in (2, 4):
            smooth = torch.empty_like(level0)
            for i in range(0, n, 64):
                small = F.avg_pool2d(level0[i:i + 64].float(), k)
                smooth[i:i + 64] = F.interpolate(small, scale_factor=k, mode='bilinear', align_corners=False).round().to(torch.uint8)
            levels.append(smooth)
        self.pixels, self.count = torch.cat(levels), n
        self.wh = torch.from_numpy(z['wh'][pick].astype(np.float32)).to(device)
        self.split = torch.from_numpy(z['split'][pick].astype(np.int64)).to(device)
        self.permissive = torch.from_numpy(z['permissive'][pick]).to(device)
        self.stem = [str(z['stem'][i]) for i in pick]
        place = {int(p): i for i, p in enumerate(pick)}

        def chosen(rows):
            rows = rows[np.isin(rows[:, 0], pick)]
            rows = rows.copy()
            rows[:, 0] = [place[int(r)] for r in rows[:, 0]]
            return rows

        boxes = chosen(z['boxes'])
        self.boxes = padded(boxes, n, 5).to(device)
        self.crowd = padded(chosen(z['crowd']), n, 4).to(device)
        self.flat_boxes = torch.from_numpy(boxes).to(device)
        self.device = device

    def indices(self, splits, permissive=False):
        """Pictures of these splits; people-free repeats are not thinned out here."""
        ok = torch.zeros_like(self.split, dtype=torch.bool)
        for s in splits:
            ok |= self.split == s
        if permissive:
            ok &= self.permissive | (self.split != 0)
        return ok.nonzero()[:, 0]

    def cutouts(self, indices, smallest=40):
        """[k,6] picture, class, box of objects that stand free of others: good to be pasted elsewhere."""
        keep, all_boxes = [], self.boxes[..., 1:].cpu()
        member = torch.zeros(len(self.split), dtype=torch.bool, device=self.device)
        member[indices] = True
        for row in self.flat_boxes[member[self.flat_boxes[:, 0].long()]].cpu():
            i, b = int(row[0]), row[2:]
            if b[3] - b[1] < smallest or b[2] - b[0] < smallest / 4:
                continue
            others = all_boxes[i]
            w = (torch.minimum(others[:, 2], b[2]) - torch.maximum(others[:, 0], b[0])).clamp(min=0)
            h = (torch.minimum(others[:, 3], b[3]) - torch.maximum(others[:, 1], b[1])).clamp(min=0)
            area = (b[2] - b[0]) * (b[3] - b[1])
            if (w * h).sum() / area < 1.15:  # itself, and hardly anyone else
                keep.append(row)
        return torch.stack(keep).to(self.device) if keep else torch.zeros((0, 6), device=self.device)
