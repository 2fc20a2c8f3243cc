"""Who works here: what their tests share."""

from argon2 import PasswordHasher

PASSWORD = "Sept-Briques-2026"
OTHER = "Huit-Pavés-2027-ici"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""As argon2id as the real one, without its patience: what is tested is not how slow it is."""

HASH = QUICK.hash(PASSWORD)
