"""The words of the small world: names to bind facts to, and values to find again."""

from random import Random

SHIPS = """Marigold Albatross Heron Kestrel Plover Curlew Osprey Petrel Cormorant Sandpiper Swallow Starling Nightingale
Foxglove Primrose Bluebell Thistle Clover Heather Lavender Juniper Hawthorn Rowan Hazel Willow Linden Aurora Meridian
Zephyr Tempest Solace Endeavour Fortune Patience Prudence Constance Resolute Vigilant Intrepid Harmony Liberty Concord
Perseverance Providence Lodestar Lantern Beacon Compass Anchor Corsair Pilgrim Wanderer Drover Rambler Voyager Herald
Sentinel Pathfinder Speedwell Goodwill Hopewell Evergreen Halcyon Pelican Kingfisher Goldfinch Mermaid Dolphin Narwhal
Porpoise Sturgeon Salmon Minnow Otter Badger Ermine Sable Falcon Merlin Harrier Peregrine Saffron Amber Coral Pearl
Opal Garnet Topaz Sapphire Emerald Dauntless Nimble Cygnet Mallard Teal Gannet Puffin Lapwing Avocet Dunlin""".split()
SHIP_COLOURS = "Red Blue White Black Golden Silver Grey Green Northern Southern Eastern Western Old Young Bright".split()

TOWN_STARTS = """Wex Ash Bram Cor Dun El Fal Glen Hart Ing Kel Lang Mar Nor Oak Pen Quill Rav Sel Thorn Ulver Ver Wick
Yar Aber Brin Car Dray Esk Farn Grim Hol Kirk Lus Mil Nether Ober Pol Rud Stan Tar Whit""".split()
TOWN_ENDS = """moor ford ton ham wick by stead dale field bridge mouth haven port cliff ness combe worth burn hurst
mere gate holm wold leigh""".split()

FIRST_NAMES = """Ada Tom Ivy Ned Rose Hugh Clara Silas Nora Owen Mabel Felix Edith Jonas Greta Amos Lena Victor Hilda
Rufus Anna Peter Ruth Simon Alma Oscar Dora Martin Elsa Walter Freya Leon Agnes Hector Iris Gilbert Judith Conrad Sarah
Edgar Matilda Bruno Olive Stephen Petra Arthur Vera Daniel Esther Ralph Helen Lucas Nadia Theo Bridget Alan Sylvia
Gordon Thea Magnus""".split()
LAST_NAMES = """Voss Vale Marsh Pike Thorne Fenn Harrow Quill Barlow Stroud Wren Lark Crane Holt Reeve Sexton Tanner
Cooper Mercer Fletcher Carver Draper Chandler Fowler Hooper Shaw Brook Hale Frost Winter Moss Reed Stone Flint Clay Dyer
Rook Finch Hawke Drake Bell Marlow Penrose Tregar Lowell Kemp Oakes Ridley Sorrel Tarrant Underhill Varney Whitlock
Yates Ambler Birch Coyle Dunmore Ellery Farrow""".split()

CARGOES = """oranges lemons salt timber wool coal barley wheat tea coffee sugar pepper copper tin iron slate marble
glass silk cotton linen rope tar candles honey wine cider olives figs dates almonds cheese butter herring cod oysters
leather paper ink books bricks lamps nails clocks pianos mirrors carpets saddles seeds tulips cinnamon ginger cloves
rice beans onions apples pears plums cherries potatoes turnips cabbages hops amber ivory porcelain pottery tobacco
medicine umbrellas bells anchors feathers chalk soap vinegar walnuts raisins saffron molasses maps""".split()
TRADES = """baker miller smith weaver cooper tailor doctor teacher baker's-apprentice surveyor printer glazier potter
carpenter mason gardener shepherd ferryman fisherman pilot clerk judge painter violinist librarian locksmith
clockmaker beekeeper brewer cobbler tinker lamplighter postman midwife apothecary astronomer bookbinder saddler
thatcher stonecutter""".replace("baker's-apprentice", "roofer").split()
ANIMALS = """cat dog goat parrot pony tortoise raven rabbit ferret goose donkey hedgehog canary owl lizard pigeon mule
hen duck lamb squirrel magpie newt toad""".split()
ITEMS = """rope lamp-oil nails flour boots ladders paint buckets candles needles blankets kettles spades ink canvas
hinges barrels saddles lanterns string soap bread cheese eggs thread chairs ploughs mirrors baskets gloves hats coats
spoons plates windows bells books maps""".replace("lamp-oil", "lamps").split()
RIVERS = """Arrow Severn Tamble Wye Lodd Isen Orrin Kelder Mossy Rill Swale Tarn Brock Dove Ure Lune Eden Nidd Calder
Wharfe Derwent Teign""".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
PLACES = """gate cellar library tower harbour vault chapel mill storeroom kitchen attic stable workshop archive
observatory boathouse greenhouse school market prison""".split()
PLACE_KINDS = "north south east west old new upper lower red green grey inner outer stone iron great little".split()
EVENTS = """fog over the river|a fox at the gate|rain from the west|the lamp was cleaned|a ship passed to the south
|the bell was rung|two riders came by|the tide was low|a gull broke a window|the cook was late|snow on the hills
|the ferry left empty|smoke above the mill|the pump was mended|a letter arrived|the wind dropped|the clock stopped
|three boats went out|the bridge was closed|hail on the roof|a stranger asked for bread|the flag was raised
|the dog barked twice|the door was found open|a cart lost a wheel|thunder in the east|the fire was lit
|new oil was delivered|the keeper slept|a seal lay on the rocks|the mast was painted|the well ran dry
|the rope was replaced|an owl sat on the fence|the children sang|the anchor was lifted""".replace("\n", "").split("|")
COLOURS = "red blue white black green yellow grey brown purple orange".split()

ONSETS = "b br c d dr f g gr h j k l m n p r s st t tr v w z th bl".split()
VOWELS = "a e i o u a e i o u ai ea ou".split()
CODAS = ["", "", "", "", "", "n", "r", "l", "s", "m", "nd", "th", "x"]


def invented(rng: Random) -> str:
    """A name no list holds, so that a reader has to copy it and cannot know it."""
    parts = [rng.choice(ONSETS) + rng.choice(VOWELS) + rng.choice(CODAS) for _ in range(rng.choice((2, 2, 2, 3)))]
    return "".join(parts).capitalize()


def ship(rng: Random) -> str:
    roll = rng.random()
    if roll < 0.1:
        return invented(rng)
    name = rng.choice(SHIPS)
    return f"{rng.choice(SHIP_COLOURS)} {name}" if roll < 0.25 else name


def town(rng: Random) -> str:
    return invented(rng) if rng.random() < 0.1 else rng.choice(TOWN_STARTS) + rng.choice(TOWN_ENDS)


def person(rng: Random) -> str:
    return f"{rng.choice(FIRST_NAMES)} {invented(rng) if rng.random() < 0.08 else rng.choice(LAST_NAMES)}"


def place(rng: Random) -> str:
    return f"{rng.choice(PLACE_KINDS)} {rng.choice(PLACES)}"


def clock(rng: Random) -> str:
    return f"{rng.randrange(24):02d}:{rng.randrange(12) * 5:02d}"
