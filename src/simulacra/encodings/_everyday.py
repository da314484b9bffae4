"""Names that are everyday words as well, and titles: with these alone nobody can tell a name from a word."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TITLES = _words(
    "Mr Mrs Ms Miss Mister Mx Sir Madam Dr Prof Rev Herr Herrn Frau Hr Mme Mlle Monsieur Madame Señor Señora Sra "
    "Srta Doña Sig Sig.ra Signor Signora Signore Dhr Mevr Meneer Mevrouw Pani Paní Fru Shri Smt "
)
"""What stands before the name of a person."""

EVERYDAY = _words(
    "will march art olive ruby pearl violet sky sun pat rob major new old high low "
    "day april may june august juni summer autumn winter dawn domingo mark bill grant chase drew sue jean guy "
    "frank rich dale glen lane grace hope faith joy love rose rosemary holly heather hazel ivy iris lily daisy "
    "amber jade crystal diamond ebony misty melody destiny angel mercedes hunter parker mason tanner dean duke "
    "earl king prince bishop pope knight page price power powers best good small short long young little strong "
    "wise sharp green brown black white gray sandy field fields wood woods hill brooks rivers stone church park "
    "parks house hall mills bush berry cherry bean rice lamb fox wolf bird finch crane bull buck bass salmon "
    "baker cook carpenter carter farmer fisher miller potter shepherd smith taylor turner weaver butler porter "
    "walker marshall bond rush hurst ward wall walls gates bell ball banks burns cross cole case cannon chambers "
    "dunn ford frost fry flowers gay ho job key law le mccall moody moon nash noble north west norris oak paris "
    "french english german holland york reed rowe savage sanders sellers shields snow sparks stout swift "
    "valentine vance vega wade ware warner waters webb wells wheeler christian max penny raven robin kay dom don "
    "sol ram gene jet lot tak per das del mas mar dar koch bauer kaiser fischer schneider weber wagner becker "
    "schäfer lang klein gross weiß weiss roth braun berg stein baum petit blanc roux brun leroy marchand boucher "
    "boulanger berger meunier fontaine dupont leblanc blanco moreno rubio rey reyes campos flores rosa cruz "
    "santos iglesias ríos río torres molina prado mesa rossi bianchi mare monti costa serra marino conti leone "
    "sole stella luna alba nova dias lopes rocha ramos monteiro cardoso "
)
"""In small letters: months, colours, trades, places and the like, in English and other languages."""
