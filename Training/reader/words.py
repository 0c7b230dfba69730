"""Ordinary words: for filler, and for keys and values that are words."""

NOUNS = """apple arch arrow attic axe badge bag ball bank barn basin basket bay beach beam bean bear bed bee bell bench
berry bird blade blanket block boat bone book boot bottle bowl box branch bread brick bridge broom brush bucket bush
button cabin cable cake camp candle canoe canyon cape card carpet cart castle cave cellar chain chair chalk chart chest
chimney church circle city cliff cloak clock cloth cloud coast coat coin comb cord corn corner cottage creek crop cross
crow crown cup curtain desert desk dish ditch dock door drawer dress drum dust eagle ear edge engine fan farm feather
fence fern field fig fire fish flag flame flask flood floor flour flower flute fog forest fork fort fountain fox frame
frog fruit gallery garden garlic gate ghost gift glass glove goat grain grape grass gravel grove guard gulf hall hammer
harbor hat hawk hay hedge helmet hill hinge hive hook horn horse hotel house ice inn ink iron island jar jewel jug
jungle kettle key kite knife knot lace ladder lake lamp lantern lawn leaf leather lemon lens letter lid light lime line
lion lock log loom lot map marble market mask mast meadow melon mill mine mint mirror moat moon moss moth mountain mouse
mud mug museum nail needle nest net night notebook nut oak oar ocean olive onion orchard organ oven owl ox paddle page
paint palace paper park parcel path pea peach pear pearl pen pencil pepper piano picture pier pillow pin pine pipe
pitcher plain plank plant plate plough plum pocket pond pool porch port pot potato prairie puddle pump quarry quill
quilt rabbit raft rail rain ranch reed reef ribbon rice ridge ring river road robe robin rock roof room root rope rose
rug saddle sail salt sand scarf school screen sea seal seat seed shadow shed sheep shelf shell shield ship shoe shop
shore shovel sign silk silver sink sky sled slope smoke snail snow soap sofa spade spark spear spice spider spoon spring
square stable stage stair stamp star statue steam steel step stick stone stool storm stove stream street string studio
sugar suit sun swamp swan sword table tail tent theater thorn thread throne tide tiger tile tin toad tool torch tower
town toy track trail train tray tree trench trout trumpet trunk tub tunnel turtle umbrella valley vase veil vest village
vine violin wagon wall walnut watch water wave wax web well whale wheat wheel whistle window wing winter wolf wood wool
workshop yard zebra""".split()

ADJECTIVES = """able ancient angry bare bitter black blank bleak blue bold brave brief bright brisk broad broken brown calm
careful cheap clean clear clever cold common cool crooked crude curious curved damp dark dear deep dense dim distant
double dry dull dusty eager early easy empty even faint fair famous fancy far fast fat fine firm flat fond fragile free
fresh full gentle giant glad golden good grand great green grey grim half happy hard heavy hidden high hollow honest hot
huge humble icy idle jolly keen kind large late lazy lean light little lively local lonely long loose lost loud low
lucky mad main mellow merry mild minor modern muddy narrow neat nervous new noble noisy odd old open orange pale patient
plain pleasant polite poor proud purple quick quiet rapid rare raw ready red rich ripe rough round royal rude rusty sad
safe salty sandy secret serious shallow sharp shiny short shy silent silver simple slender slim slow small smart smooth
soft solid sour spare square steady steep stiff still strange strict strong sudden sunny sweet swift tall tame thick
thin tidy tight tiny tired tough true ugly vague vain vast warm weak wet white whole wide wild wise wooden worn yellow
young""".split()

DID = """turned waited rested lingered stood stayed passed fell rose shone moved leaned slept stopped began ended settled
drifted trembled faded returned vanished floated rattled creaked gleamed burned cooled dried sank swayed tilted rolled
wandered""".split()
DID_TO = """carried cleaned moved painted found lost bought sold mended broke lifted dropped watched touched opened closed
covered borrowed counted described drew folded forgot guarded hid kept left noticed packed praised pulled pushed raised
remembered repaired sketched stored took tied washed weighed wrapped""".split()
WHERE = """by near behind beside under above beyond inside outside around below against""".split()
WHEN = """before noon|until dusk|all morning|for an hour|after the rain|in the cold|as before|that winter|for most of the
 day|without a word|as people do|again|at dawn|late in the evening|in early spring|by candlelight|after supper|during the
 storm|on market day|for a second time|at the end of the week|while nobody looked|in spite of the wind|as usual|long
 ago|a little later|before the bell rang|in the afternoon""".replace("\n", "").split("|")
WHO = """the clerk|the baker|a stranger|the old man|the old woman|a child|the teacher|a sailor|the gardener|the mayor|two
 boys|a traveller|the neighbours|the cook|a farmer|the porter|the doctor|a guest|the captain|the widow|my uncle|her
 sister|his brother|the judge|a soldier|the painter|the miller|a shepherd|the innkeeper|the postman""".replace("\n", "").split("|")
