"""A Wasserstein GAN: a maker of rows learns from a critic that estimates how far made rows are from real ones.

The critic is kept from being steep by a penalty on its slope, so that the mean of its verdicts on real rows less that
on made rows estimates the Wasserstein distance: how much of a row has to be changed to turn made rows into real ones.
The estimate is told while the network learns, and its curve stands in the report. Numbers are parted into groups that
stand for exact values or neighbouring bins. The weights are kept whose rows were nearest to rows held out, by the
shares of all cells of every two columns; then each column is put right by itself.

It learns relations of several columns, and draws fast. As adversaries do, it may give kinds of rows up: the report
says whether combinations that are common in the data are hardly made. It can not learn relations finer than a group,
rules that hold exactly, or what rare levels of a very large vocabulary go with: beyond the commonest levels all share
one group. Cost: linear in rows up to a number of steps, and in columns. Some 25 seconds of one core for 10,000 rows
of 18 columns; a GPU is used where there is one.

Source: Arjovsky, Chintala and Bottou 2017, "Wasserstein generative adversarial networks"; Gulrajani, Ahmed, Arjovsky,
Dumoulin and Courville 2017, "Improved training of Wasserstein GANs", section 4, with the one-sided penalty of Petzka,
Fischer and Lukovnikov 2018, "On the regularization of Wasserstein GANs".
"""

from __future__ import annotations

from dataclasses import dataclass

from simulacra.models.table._duels import Duel


@dataclass(kw_only=True)
class Wgan(Duel):
    """Wasserstein GAN with a gradient penalty.

    Parameters
    ----------
    latent : int
        Random numbers that a row is made of.
    hidden : int
        Units of a hidden layer of maker and critic. More learn finer relations and cost in proportion.
    layers : int
        Hidden layers of the maker.
    max_groups : int
        Groups of a column at most: how finely relations are told.
    epochs : int
        Times that rows are seen by the maker at most; rows of small tables are seen less often.
    penalty : float
        What a slope of the critic above 1 costs.
    device : str
        ``auto`` takes a GPU where there is one; ``cpu``; ``cuda``. Rows are always drawn on the CPU.
    checkpoint : str or None
        A file from which a fit that was cut short goes on.

    Notes ----- **Cost.** A step costs rows of the batch times hidden units times the groups of all columns, some
    twenty times over.

    **Randomness.** The same data and seed give the same model on one kind of machine, with any number of cores.
    Another kind of processor, or a GPU, rounds differently.

    **Privacy.** The state holds weights of the maker, which saw no row itself, and counts of values that enough rows
    hold. There is no formal guarantee.

    **Source.** Gulrajani et al. 2017; Petzka, Fischer and Lukovnikov 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from simulacra.domain import Axis, Block, Domain
    >>> from simulacra.randomness import Streams
    >>> a = np.arange(2000, dtype=np.uint8) % 4
    >>> block = Block(Domain((Axis("a", "a", size=4), Axis("b", "b", size=2))), (a, a // 2))
    >>> fake = Wgan().fit(block, rng=Streams(1)).sample(200, rng=Streams(2))
    >>> bool((fake.columns[0] // 2 == fake.columns[1]).mean() > 0.8)
    True
    """
