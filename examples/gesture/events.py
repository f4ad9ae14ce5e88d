"""A synthetic event-camera data set: eleven gestures of a person's arms, after the classes of DVS128 Gesture.

A scene is drawn as brightness, a person with two arms before a textured wall, and filmed by a model of an event camera:
a pixel remembers its logarithmic brightness and sends an event, brighter or darker, whenever that has changed by more
than its own contrast threshold (P. Lichtsteiner et al., "A 128 x 128 120 dB 15 us latency asynchronous temporal contrast
vision sensor", IEEE JSSC 43, 2008). Pixels also fire at random, a few of them often, and lose events.
"""

import numpy as np

CLASSES = (
    "hand clapping",
    "right hand wave",
    "left hand wave",
    "right arm clockwise",
    "right arm counter-clockwise",
    "left arm clockwise",
    "left arm counter-clockwise",
    "arm roll",
    "air drums",
    "air guitar",
    "other",
)
SIZE, TICKS = 32, 32
FRAMES_PER_TICK = 3
SHOULDER, REST = np.array([5.0, 12.0]), np.array([6.5, 24.0])  # From the person's middle line, and from the top.


def wander(time, random):
    """A smooth random path (frames, 2): a few slow sines per axis."""
    speed, phase = random.uniform(0.3, 3.0, (2, 3, 2)), random.uniform(0, 2 * np.pi, (2, 3, 2))
    return np.sin(2 * np.pi * speed[0] * time[:, None, None] + phase[0]).sum(1) * random.uniform(1.0, 2.2)


def hands(gesture, time, random):
    """Paths of the person's right and left hand (frames, 2), x to the side of the body that the hand belongs to."""
    angle = 2 * np.pi * random.uniform(1.8, 3.6) * time + random.uniform(0, 2 * np.pi)
    size = random.uniform(2.6, 4.6)
    sine, cosine, still = size * np.sin(angle), size * np.cos(angle), np.zeros_like(time)

    def path(x, y, dx=still, dy=still):
        return np.stack((x + dx, y + dy), axis=1)

    at_rest = path(*REST)
    circle = path(9.0, 13.0, cosine, sine)
    mirrored = path(9.0, 13.0, cosine, -sine)
    wave = path(9.0, 7.0, sine)
    match CLASSES[gesture]:
        case "hand clapping":
            return path(size, 15.0, sine), path(size, 15.0, sine)
        case "right hand wave":
            return wave, at_rest
        case "left hand wave":
            return at_rest, wave
        case "right arm clockwise":
            return circle, at_rest
        case "right arm counter-clockwise":
            return mirrored, at_rest
        case "left arm clockwise":
            return at_rest, mirrored
        case "left arm counter-clockwise":
            return at_rest, circle
        case "arm roll":
            return path(1.0, 15.0, 0.4 * cosine, 0.7 * sine), path(1.0, 15.0, 0.4 * cosine, -0.7 * sine)
        case "air drums":
            return path(6.0, 17.0, dy=sine), path(6.0, 17.0, dy=-sine)
        case "air guitar":
            return path(1.0, 19.0, 0.3 * sine, sine), path(11.0, 13.0, 0.5 * size * np.sin(angle / 3))
        case _:
            return path(7.0, 15.0) + wander(time, random), path(7.0, 15.0) + wander(time, random)


def brightness(gesture, random):
    """The scene in every frame: (frames, SIZE, SIZE)."""
    time = np.arange(TICKS * FRAMES_PER_TICK + 1) / (TICKS * FRAMES_PER_TICK)
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    middle, top = 15.5 + random.uniform(-2.5, 2.5), random.uniform(-2, 2)
    sway = np.cumsum(random.normal(0, 0.04, len(time)))
    scene = np.broadcast_to(0.3 + 0.12 * random.random((SIZE, SIZE)), (len(time), SIZE, SIZE)).astype(np.float32)
    body = np.exp(-((((x - middle - sway[:, None, None]) / 5) ** 2 + ((y - 21 - top) / 11) ** 2) ** 2))
    scene = scene + 0.3 * body.astype(np.float32)
    light, width = random.uniform(0.9, 1.6), random.uniform(1.2, 1.7)
    for side, hand in zip((-1, 1), hands(gesture, time, random), strict=True):
        tremble = np.cumsum(random.normal(0, 0.08, hand.shape), axis=0)
        end = (hand + tremble) * (side, 1) + (middle, top)
        start = SHOULDER * (side, 1) + (middle, top)
        # Distance of each pixel from the arm, a line from shoulder to hand, and from the hand.
        arm = (end - start)[:, :, None, None]
        to_pixel = np.stack((x - start[0], y - start[1]))
        along = np.clip((arm * to_pixel).sum(1) / ((arm**2).sum(1) + 1e-6), 0, 1)
        from_arm = ((to_pixel - along[:, None] * arm) ** 2).sum(1)
        from_hand = ((np.stack((x, y)) - end[:, :, None, None]) ** 2).sum(1)
        shape = np.maximum(0.5 * np.exp(-from_arm / width**2), np.exp(-from_hand / (1.5 * width) ** 2))
        scene = np.maximum(scene, light * shape.astype(np.float32))
    return scene


def record(gesture, random):
    """Events of one recording: (TICKS, 2, SIZE, SIZE) of 0 and 1; channel 0 is darker, 1 is brighter."""
    level = np.log(brightness(gesture, random) + 0.05)
    threshold = random.uniform(0.13, 0.22) * random.normal(1, 0.1, (SIZE, SIZE)).clip(0.7, 1.3)
    events = np.zeros((TICKS, 2, SIZE, SIZE), bool)
    known = level[0].copy()
    for frame in range(1, len(level)):
        change = level[frame] - known
        darker, brighter = change < -threshold, change > threshold
        events[(frame - 1) // FRAMES_PER_TICK] |= np.stack((darker, brighter))
        known = np.where(darker | brighter, level[frame], known)
    events &= random.random(events.shape) > random.uniform(0.1, 0.3)
    often = (random.random((2, SIZE, SIZE)) < 0.003) * random.uniform(0.05, 0.3, (2, SIZE, SIZE))
    return events | (random.random(events.shape) < random.uniform(0.001, 0.004) + often)


def data_set(per_class, seed):
    """Recordings (samples, TICKS, 2, SIZE, SIZE) as uint8, and their classes, in random order."""
    random = np.random.default_rng(seed)
    labels = random.permutation(np.repeat(np.arange(len(CLASSES)), per_class))
    return np.stack([record(label, random) for label in labels]).astype(np.uint8), labels
