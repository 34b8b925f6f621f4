"""Names by which one person goes: short forms and nicknames of names common in Britain and Ireland, and how English ears spell
Irish, Scottish, Welsh, Polish and South Asian ones. Our own compilation; far from complete, so the list of names asks for more.

Pure. Each line is one name with what else it is called; lower case, without accents.
"""

from functools import lru_cache

_TABLE = """
aaron ron ronnie az
abdul abdal abdel
abigail abi abbie abby gail
adam ad ads
agnes aggie nessa
aidan aiden ade
aisha ayesha aysha eesha aish
aisling ashling ashlin ash
aled al
alan allan allen al
albert al albie bert bertie
alexander alex alec alick al sandy sandro lex xander zander sasha alasdair alistair
alexandra alex alexa ali lexi lexie sandra sandy sasha
alfred alf alfie fred
alice ali allie lissie
alison ali allie ally
amanda mandy mand manda
amelia millie milly mel amy
amy ames
andrew andy drew ands dru
angela angie ange angel
angharad hari angarad harry
anita nita neeta
anna annie ann anne anya
anne ann annie nan nancy nina
anthony antony tony ant
antonia toni tonia
aoife eefa efa eva eefer ifa aoifa
archibald archie baldy
arthur art artie
asif asef
audrey aud
barbara barb barbie babs bab
bartholomew bart
beatrice bea bee trixie beattie
benjamin ben benny benji benjy
bernadette bernie detta berni
bethany beth bethan
bernard bernie bern
bradley brad
brian bri bryan
bridget bridie biddy brigid breda
bronwen bron bronwyn
cameron cam
caoimhe keeva kiva queeva keva kweeva
caroline carol caz carrie carolyn lina
catherine cath cathy kate katie katy kath kathy kit kitty cat cate kat katherine kathryn catriona trina
charles charlie chas chaz chuck chaz charley carl
charlotte charlie lottie lotte char charl lots chaz
chloe chlo clo
christina chris chrissie chrissy tina christine kirsty
christine chris chrissie chrissy tina chris
christopher chris kit topher kris christy
ciara keira keera kira kiera kiara
ciaran kieran keiran kieron
cian kian kean keen
clare claire clara
clifford cliff
conor connor con
constance connie
cynthia cindy
dafydd dai dave david davith davy daf
daniel dan danny dani
danielle dani dan elle danni
david dave davey davy dai taffy
deborah deb debbie debs debra
declan dec deccy
deirdre dee dede deedee
denise den neesy
dennis den denny
derek del des
diana di diane dee
diarmuid dermot diarmaid jeremiah
dominic dom nic nick
donald don donny donnie
dorothy dot dottie dolly dory thea
douglas doug dougie duggie
duncan dunc
dylan dyl dil
edith edie ede
edward ed eddie ted teddy ned eddy
edwin ed eddie win
eilidh ayley ailey ailie eiley aylee
eimear emer eemer
eleanor ellie ella nell nellie nora elly elinor
elizabeth liz lizzie lizzy beth betty bess bessie betsy eliza elsie libby lisa lisbeth elspeth lilibet lily liza buffy elisabeth
emily em emmy millie milly emmie ems
emma em emmie emmy ems
emmanuel manny manuel
enda enna
eoin owen eoghan ewan euan owain
eric rick ricky
erin ez
esther essie ess hester
ethan eth
ewan euan ewen owen
farah fara
fatima fatimah fatma fati tima
fearghal fergal
fergus fergie gus
fiona fi fifi fee
florence flo florrie flossie
frances fran francie frankie franny fanny cissy
francis frank frankie fran
francesca fran frankie chess chessie cesca fran
frederick fred freddie freddy rick
gabriel gabe gabby
gabrielle gabby gabi gab ella
gareth gaz gary gar garth
gary gaz gazza garry
gemma gem gems jemma
geoffrey geoff jeff jeffrey
george georgie geordie jorge
georgina georgie gina george
geraint ger
gerald ger gerry jerry
gerard ger gerry jerry ged
gillian gill jill gilly jilly jillian
grainne grania gronya grawnya graunya
graham gray graeme
gregory greg gregor
gulzar gul
gurpreet guri preeti gup
gwendolen gwen gwennie wendy
gwenllian gwen llian
hamza hamzah
hannah han hanna hans
harold harry hal
harpreet harry preet
harriet hattie harry hatty
haroon harun
helen nell nellie hels lena
henry harry hal hank
hilary hil hils
howard howie
hugh hughie huw shug hew
humayun humi
hussain hussein husain hus
ian iain
ibrahim ibby ibs abraham ibra
ieuan yayan yeyan ian ewan iwan yoyan
imogen immy imo immie
imran immy im imi
ioan yoan yo ewan
isaac zac ike zak
isabel izzy izzie bel bella belle isobel isabella ishbel isabelle ibby tibby
jacob jake jay jakub
jacqueline jackie jacqui jacs jaq
jagdeep jag
jaswinder jas jass
james jim jimmy jamie jay jem hamish seamus shay jimbo
jane janie jan jenny jayne sian
janet jan jenny netta
jasmine jas jaz jazz yasmin jasmin
jason jay jase
jayden jay jaden jaydon
jeannette jean jeanie netta
jennifer jen jenny jenn jenna jennie
jeremy jez jem jerry jezza
jessica jess jessie jessy
joan joanie jo
joanne jo joanna jojo joann joey
john johnny jack jon jonny ian sean evan
jonathan jon jonny johnny nathan jono jonno
joseph joe joey jo jos seph
josephine jo josie jo josey
joshua josh
judith judy jude
julia jules julie
julian jules jools
julie jules jules
juliet jules julie
justine jus tina
kamal kam
karen kaz kazza caz
kayleigh kay kayley kaylee kayls
kenneth ken kenny
kevin kev kevvy
khadija khadijah dija
kimberley kim kimmy
kirsten kirsty kirst
kuldeep kul
kulwinder kul
laura lor loz lauz laurie lolly
lauren loz laur lozza
lawrence larry laurie loz laz lol laurence
leanne lee annie lea
leonard len lenny leo
leslie les lesley
lewis lew lou louis
lillian lil lily lilly lilian
linda lin lindy lyn lynda
llewelyn llew lew lyn
louise lou lulu
louis lou lewis louie
lucas luke lukasz
lucy lu lulu luce
lukasz wukash lukash lucas luke wookash wookasz lukas
lynne lyn lynn
mackenzie kenzie mac mack
madeleine maddie maddy mads madeline
mairead maraid mared margaret
maeve mave meadhbh maev meave
magdalena magda lena maggie
malcolm malc mal
mandeep mandy mandi mani
manpreet manny preet mani
marcus marc mark
margaret maggie meg megan peggy peg madge marge margie greta daisy rita mags mairead
maria mia ria marie mary
marian mari
mark marky marko marc
martin marty mart
mary molly moll polly may mae maire mair moira
maryam mariam miriam mariyam
matilda tilly tilda mattie till
matthew matt matty mat
maureen mo maura
maxwell max
maximilian max maxi
megan meg megs meggie
melanie mel mels
melissa mel lissa missy
mercedes mercy sadie
michael mike mick micky mickey mikey mitch mikael michal mikhail misha
michal mihow mihal mihau mikal michael
michelle shell chelle shelly mich shelley
mildred millie milly
mohammed mo mohammad muhammad mohamed muhammed moh mohd ahmed hammad muhamed mahomet
mustafa musti mo stafa mustapha
muireann mwirin murin
naomi nay nomi omi
natalie nat natty nats tally
natasha tasha tash nat
nathan nate nath nat
nathaniel nathan nat nate
neil neal niall
niamh neve neeve nieve neave niev nevie neev
niall neil nile nial nyle
nicholas nick nicky nico nic nicolas
nicola nic nicky nikki nik nix
nigel nige
noor nur noora
norman norm
oisin osheen ushin usheen isheen
oliver ollie olly oli noll
olivia liv livvy livia olly ollie
orlaith orla orlagh
oscar oz ozzy
padraig paddy pat podge porick paudie patrick poric padraic
pamela pam pammy
parminder parm pam mindy
patricia pat patsy trish tricia patty pats tisha
patrick pat paddy patsy rick padraig
paul paulie pavel
pauline paul polly paula
penelope pen penny nell
percival percy
peter pete petey piotr
philip phil pip phillip philly
philippa pip pippa phil flip
priscilla cilla prissy
priyanka priya pri
rachel rach rachael rae
rajesh raj raja
rajinder raj raji rajvinder
ravinder rav ravi
raymond ray
rebecca becky becca becks bex becs reb
reginald reg reggie
rhiannon rhi annon non rhee
rhys reece rees reese
richard rick ricky dick rich richie dickie rickie
robert rob bob bobby robbie bert robin rab bobbie rabbie
roberta bobbie robbie
roderick rod roddy rick rory
rodney rod
roger rog rodge
roisin rosheen rosh rosheene rowsheen
ronald ron ronnie
rosemary rose rosie romy
rosalind ros roz rosie
rose rosie
rory ruairi ruaridh
ruaridh rory ruairi
rupinder rup rupi
russell russ rusty
ryan ry
saoirse sersha seersha searsha sorsha sairsha
sadiq sadique sid
samantha sam sammy sammie
samuel sam sammy
sandra sandy sandie
sandeep sandy sunny
sarah sal sally sara sadie saz
sean shaun shawn shane
seamus shay shamus jim james
sebastian seb bas baz bastian
shabnam shab shabs
shahid shah
sharon shaz shazza shaz
shirley shirl
sian sharn shan shaan sharne jane
sinead shinade shanade shinead sinade jane
siobhan shivaun shevaun chevonne shivon shivawn shavon shevon siobahn
simon si simes
sorcha soracha sarah
sophia sophie soph sofia
sophie soph sofe sophy
stacey stace
stanley stan
stephanie steph stephie stevie steffi
stephen steve stevie ste steven stevo
stuart stu stewart stew
sukhdeep sukh sukhi
sukhvinder sukh sukhi suki vinder
susan sue susie suzie sukie suzy
suzanne sue suzie suzy
syed sayed said sayyid
tadhg tige tyg tiger teague taig tieg
tamara tam tammy tamsin
tamsin tam tammy tamzin
tanya tan
tariq tarik taz
terence terry tel terrance
theresa terry tess tessa tree teresa tracy
theodore theo ted teddy
thomas tom tommy tam tomos thom tomasz
timothy tim timmy
tobias toby tobes
tracey trace tracy
usman uz uthman
valerie val
vanessa nessa ness
victor vic
victoria vicky vicki tori vic vikki tor
vincent vin vince vinny vinnie
violet vi
virginia ginny ginger ginnie
walter walt wally
william will bill billy willie willy wills liam gwilym wilf
wilfred wilf fred
winifred win winnie freda
yasmin yas yaz jasmine yasmine
yousuf yusuf yousef joseph joe yusef
yvonne von vonnie
zachary zac zach zack zak
zainab zaynab zee
zoe zo zozo
zubair zub zubs
"""


@lru_cache(maxsize=1)
def _groups() -> dict[str, frozenset[str]]:
    """Each name of the table to everything that may be the same person's name."""
    found: dict[str, set[str]] = {}
    for line in _TABLE.split("\n"):
        together = set(line.split())
        for name in together:
            found.setdefault(name, set()).update(together)
    return {name: frozenset(others - {name}) for name, others in found.items()}


def related(name: str) -> frozenset[str]:
    """What somebody of this name may be called besides: Liz for elizabeth, and elizabeth, lizzie, beth for liz."""
    return _groups().get(name, frozenset())


def everything() -> frozenset[str]:
    return frozenset(_groups())
