"""Words that are not read as they are written. Data only."""

READINGS = {
    "OK": "okay",
    "PhD": "P H D",
    "iOS": "i O S",
    "macOS": "mac O S",
    "II": "two",
    "III": "three",
    "C++": "C plus plus",
    "C#": "C sharp",
    "F#": "F sharp",
    "n/a": "not applicable",
    "N/A": "not applicable",
    "w/o": "without",
    "w/": "with",
    "c/o": "care of",
    "and/or": "and or",
    "24/7": "twenty-four seven",
    "a/c": "A C",
    "AT&T": "A T and T",
    "IoT": "I O T",
    "SaaS": "sass",
}
"""Read so wherever they stand alone."""

_SAID = """
AH AIDS ALL AM AN AND ANY ARE AS ASAP ASCII ASK AT BAD BE BIG BOX BUT BY BYE CAN CAR COVID DAY
DID DO END FEMA FIFA FOR FREE GET GIF GO GOOD HAS HAVE HE HELOC HER HERE HI HIM HIPAA HIS HOW
ICANN IF IKEA IMAX IN IS IT ITS JOB LASER LEGO LET MAN MAY ME MOMA MY NAFTA NASA NASDAQ NATO
NEW NICU NO NOT NOW OF OFF OH OLD ON ONE OPEC OR OSHA OUR OUT PIN PUT RADAR RAM REM ROM RUN
SARS SAY SEE SET SHE SIM SIR SO SONAR SWAT TED THE TO TOO TOP TRY TWO UNESCO UNICEF UP USE
VISA WAS WAY WE WHO WHY YES YET YOLO YOU ZIP
"""
SAID = frozenset(_SAID.split())
"""Capitals read as a word, and everyday words that are only stressed."""

_SPELLED = """
AARP ACLU ADHD AIRBNB CCTV EBITDA ESPN FAQ HDMI IEEE IMAP IMEI IPTV ISBN ISDN NAACP NCAA OECD
UCLA USAF USDA USMC USPS USSR
"""
SPELLED = frozenset(_SPELLED.split())
"""Capitals of four and more, with a vowel, that are spelled all the same."""

TITLES = {
    "Dr": "Doctor",
    "Mr": "Mister",
    "Mrs": "Missus",
    "Ms": "Ms",
    "Mx": "Mx",
    "Prof": "Professor",
    "Gen": "General",
    "Sgt": "Sergeant",
    "Capt": "Captain",
    "Lt": "Lieutenant",
    "Rev": "Reverend",
    "Hon": "Honorable",
    "Gov": "Governor",
    "Sen": "Senator",
    "Rep": "Representative",
    "St": "Saint",
    "Mt": "Mount",
    "Ft": "Fort",
}
"""Before a name."""

PLACES = {
    "St": "Street",
    "Dr": "Drive",
    "Ave": "Avenue",
    "Blvd": "Boulevard",
    "Rd": "Road",
    "Ln": "Lane",
    "Hwy": "Highway",
    "Pkwy": "Parkway",
    "Sq": "Square",
    "Jr": "Junior",
    "Sr": "Senior",
    "Inc": "Incorporated",
    "Ltd": "Limited",
    "Corp": "Corporation",
    "Co": "Company",
    "Bros": "Brothers",
    "Univ": "University",
}
"""After a name."""

ABBREVIATIONS = {
    "apt": "apartment",
    "approx": "approximately",
    "appt": "appointment",
    "bldg": "building",
    "dept": "department",
    "est": "estimated",
    "etc": "et cetera",
    "excl": "excluding",
    "ext": "extension",
    "fig": "figure",
    "govt": "government",
    "hr": "hour",
    "hrs": "hours",
    "incl": "including",
    "max": "maximum",
    "min": "minimum",
    "misc": "miscellaneous",
    "mgr": "manager",
    "mins": "minutes",
    "qty": "quantity",
    "ref": "reference",
    "secs": "seconds",
    "tel": "telephone",
    "temp": "temperature",
    "vol": "volume",
}
"""Anywhere, with their full stop."""

LETTERED = {
    "e.g.": "for example",
    "i.e.": "that is",
    "a.k.a.": "also known as",
    "p.s.": "P S",
    "ph.d.": "P H D",
    "n.b.": "note well",
}
