/// The names of the small world that facts are about.
extension WordLists {
  /// Ships.
  package static let ships = words(
    """
    Marigold Albatross Heron Kestrel Plover Curlew Osprey Petrel Cormorant Sandpiper Swallow Starling
    Nightingale Foxglove Primrose Bluebell Thistle Clover Heather Lavender Juniper Hawthorn Rowan Hazel Willow
    Linden Aurora Meridian Zephyr Tempest Solace Endeavour Fortune Patience Prudence Constance Resolute Vigilant
    Intrepid Harmony Liberty Concord Perseverance Providence Lodestar Lantern Beacon Compass Anchor Corsair
    Pilgrim Wanderer Drover Rambler Voyager Herald Sentinel Pathfinder Speedwell Goodwill Hopewell Evergreen
    Halcyon Pelican Kingfisher Goldfinch Mermaid Dolphin Narwhal Porpoise Sturgeon Salmon Minnow Otter Badger
    Ermine Sable Falcon Merlin Harrier Peregrine Saffron Amber Coral Pearl Opal Garnet Topaz Sapphire Emerald
    Dauntless Nimble Cygnet Mallard Teal Gannet Puffin Lapwing Avocet Dunlin
    """)

  /// Before a ship's name.
  package static let shipColours = words(
    """
    Red Blue White Black Golden Silver Grey Green Northern Southern Eastern Western Old Young Bright
    """)

  /// The first half of a town's name.
  package static let townStarts = words(
    """
    Wex Ash Bram Cor Dun El Fal Glen Hart Ing Kel Lang Mar Nor Oak Pen Quill Rav Sel Thorn Ulver Ver Wick Yar
    Aber Brin Car Dray Esk Farn Grim Hol Kirk Lus Mil Nether Ober Pol Rud Stan Tar Whit
    """)

  /// The second half of a town's name.
  package static let townEnds = words(
    """
    moor ford ton ham wick by stead dale field bridge mouth haven port cliff ness combe worth burn hurst mere
    gate holm wold leigh
    """)

  /// First names of people.
  package static let firstNames = words(
    """
    Ada Tom Ivy Ned Rose Hugh Clara Silas Nora Owen Mabel Felix Edith Jonas Greta Amos Lena Victor Hilda Rufus
    Anna Peter Ruth Simon Alma Oscar Dora Martin Elsa Walter Freya Leon Agnes Hector Iris Gilbert Judith Conrad
    Sarah Edgar Matilda Bruno Olive Stephen Petra Arthur Vera Daniel Esther Ralph Helen Lucas Nadia Theo Bridget
    Alan Sylvia Gordon Thea Magnus
    """)

  /// Last names of people.
  package static let lastNames = words(
    """
    Voss Vale Marsh Pike Thorne Fenn Harrow Quill Barlow Stroud Wren Lark Crane Holt Reeve Sexton Tanner Cooper
    Mercer Fletcher Carver Draper Chandler Fowler Hooper Shaw Brook Hale Frost Winter Moss Reed Stone Flint Clay
    Dyer Rook Finch Hawke Drake Bell Marlow Penrose Tregar Lowell Kemp Oakes Ridley Sorrel Tarrant Underhill
    Varney Whitlock Yates Ambler Birch Coyle Dunmore Ellery Farrow
    """)

  /// What ships carry.
  package static let cargoes = words(
    """
    oranges lemons salt timber wool coal barley wheat tea coffee sugar pepper copper tin iron slate marble glass
    silk cotton linen rope tar candles honey wine cider olives figs dates almonds cheese butter herring cod
    oysters leather paper ink books bricks lamps nails clocks pianos mirrors carpets saddles seeds tulips
    cinnamon ginger cloves rice beans onions apples pears plums cherries potatoes turnips cabbages hops amber
    ivory porcelain pottery tobacco medicine umbrellas bells anchors feathers chalk soap vinegar walnuts raisins
    saffron molasses maps
    """)

  /// What people live from.
  package static let trades = words(
    """
    baker miller smith weaver cooper tailor doctor teacher roofer surveyor printer glazier potter carpenter
    mason gardener shepherd ferryman fisherman pilot clerk judge painter violinist librarian locksmith
    clockmaker beekeeper brewer cobbler tinker lamplighter postman midwife apothecary astronomer bookbinder
    saddler thatcher stonecutter
    """)

  /// Animals that people keep.
  package static let animals = words(
    """
    cat dog goat parrot pony tortoise raven rabbit ferret goose donkey hedgehog canary owl lizard pigeon mule
    hen duck lamb squirrel magpie newt toad
    """)

  /// What is bought in a shop.
  package static let items = words(
    """
    rope lamps nails flour boots ladders paint buckets candles needles blankets kettles spades ink canvas hinges
    barrels saddles lanterns string soap bread cheese eggs thread chairs ploughs mirrors baskets gloves hats
    coats spoons plates windows bells books maps
    """)

  /// Rivers.
  package static let rivers = words(
    """
    Arrow Severn Tamble Wye Lodd Isen Orrin Kelder Mossy Rill Swale Tarn Brock Dove Ure Lune Eden Nidd Calder
    Wharfe Derwent Teign
    """)

  /// Days of the week.
  package static let days = words(
    """
    Monday Tuesday Wednesday Thursday Friday Saturday Sunday
    """)

  /// Parts of a building or a town.
  package static let rooms = words(
    """
    gate cellar library tower harbour vault chapel mill storeroom kitchen attic stable workshop archive
    observatory boathouse greenhouse school market prison
    """)

  /// Which of several rooms.
  package static let roomKinds = words(
    """
    north south east west old new upper lower red green grey inner outer stone iron great little
    """)

  /// Colours.
  package static let colours = words(
    """
    red blue white black green yellow grey brown purple orange
    """)
}
