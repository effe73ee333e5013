"""The words of the world `facts`: relations, how a page tells them, how a person asks. Room: text/ (worlds).

Each relation is told in two wordings and asked in two sets (hands) of two questions. The first question of a hand is a
plain one; the second says it another way, with no word of what the page says but the name: only what kind of answer is
wanted, if anything, ties it to the sentence. {S} {s} is the subject (at the beginning of a sentence, and within it),
{v} the value, {e} the name in a question.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Theme = Literal["product", "town", "person"]
THEMES: tuple[Theme, ...] = ("product", "town", "person")
Hand = Literal["one", "other"]
HANDS: tuple[Hand, ...] = ("one", "other")


class Relation(NamedTuple):
    """value: what kind of thing the answer is. asked: hand -> (a plain question, one in other words)."""

    value: str
    told: tuple[str, str]
    asked: dict[Hand, tuple[str, str]]


def _relation(value: str, told: tuple[str, str], one: tuple[str, str], other: tuple[str, str]) -> Relation:
    return Relation(value, told, {"one": one, "other": other})


RELATIONS: dict[str, dict[Theme, dict[str, Relation]]] = {
    "en": {
        "product": {
            "warranty": _relation(
                "months",
                (
                    "{S} is covered by a guarantee of {v}.",
                    "Faults of {s} are repaired free of charge for {v}.",
                ),
                (
                    "How long is the warranty of {e}?",
                    "For how long are defects in {e} put right at no cost?",
                ),
                (
                    "How long does the guarantee on {e} last?",
                    "How much time do I have to get a broken {e} mended for nothing?",
                ),
            ),
            "weight": _relation(
                "kilograms",
                ("{S} weighs {v}.", "{S} brings {v} to the scales."),
                ("How heavy is {e}?", "How many kilos do I have to lift to carry {e}?"),
                ("What is the weight of {e}?", "Is {e} light enough for a shelf, and how many kilos must that hold?"),
            ),
            "price": _relation(
                "money",
                ("{S} costs {v}.", "{S} is sold for {v}."),
                ("What is the price of {e}?", "How many euros do I need to take {e} home?"),
                ("How much does {e} cost?", "What must I hand over at the till for {e}?"),
            ),
            "runtime": _relation(
                "hours",
                ("A full battery keeps {s} going for {v}.", "{S} works for {v} on one charge."),
                ("How long is the battery life of {e}?", "How many hours does {e} hold out away from a socket?"),
                ("How long does {e} run on a charge?", "After what time has {e} to be plugged in again?"),
            ),
            "designer": _relation(
                "person",
                ("{S} was designed by {v}.", "The plans for {s} were drawn by {v}."),
                ("Who designed {e}?", "Who thought up {e}?"),
                ("Who is the designer of {e}?", "Whose idea was {e}?"),
            ),
            "released": _relation(
                "year",
                ("{S} came on the market in {v}.", "{S} has been in the shops since {v}."),
                ("When was {e} released?", "In which year could people first get hold of {e}?"),
                ("What year was {e} launched?", "When did the world first see {e}?"),
            ),
        },
        "town": {
            "population": _relation(
                "thousands",
                ("{S} has {v} inhabitants.", "By the last count {s} is home to {v} residents."),
                ("What is the population of {e}?", "How many souls would a census find in {e}?"),
                ("How many people live in {e}?", "How many neighbours would I have in {e}?"),
            ),
            "mayor": _relation(
                "person",
                ("The mayor of {s} is {v}.", "{v} presides over the council of {s}."),
                ("Who is the mayor of {e}?", "Who runs things in {e}?"),
                ("What is the name of the mayor of {e}?", "Who has the last word in {e}?"),
            ),
            "founded": _relation(
                "year",
                ("{S} was founded in {v}.", "The first houses of {s} were built in {v}."),
                ("When was {e} founded?", "In which year did settlers arrive at {e}?"),
                ("What year was {e} established?", "When does the history of {e} begin?"),
            ),
            "altitude": _relation(
                "metres",
                ("{S} lies {v} above the sea.", "{S} stands at a height of {v}."),
                ("What is the altitude of {e}?", "How many metres must one climb from the coast to {e}?"),
                ("How high up is {e}?", "What does an altimeter show in {e}?"),
            ),
            "river": _relation(
                "river",
                ("{S} lies on the river {v}.", "The river {v} flows through {s}."),
                ("Which river flows through {e}?", "In what water do the children of {e} swim?"),
                ("What river is {e} on?", "Under the bridges of {e}, which stream runs?"),
            ),
            "market": _relation(
                "weekday",
                ("The weekly market of {s} is held on {v}.", "Traders come to {s} on {v}."),
                ("On which day is the market in {e}?", "When do the farmers bring their vegetables to {e}?"),
                ("What day is market day in {e}?", "On which day of the week do the stalls go up in {e}?"),
            ),
        },
        "person": {
            "birthplace": _relation(
                "town",
                ("{S} was born in the town of {v}.", "{S} comes from {v}."),
                ("Where was {e} born?", "Which place would {e} call native soil?"),
                ("What is the birthplace of {e}?", "Where do the roots of {e} lie?"),
            ),
            "born": _relation(
                "year",
                ("{S} was born in the year {v}.", "{S} first saw the light of day in {v}."),
                ("When was {e} born?", "When did the parents of {e} welcome their baby?"),
                ("What year was {e} born?", "When did the life of {e} begin?"),
            ),
            "profession": _relation(
                "profession",
                ("{S} works as a {v}.", "{S} earns a living as a {v}."),
                ("What is the profession of {e}?", "How does {e} pay the rent?"),
                ("What job does {e} have?", "What keeps {e} busy from nine to five?"),
            ),
            "children": _relation(
                "few",
                ("{S} has {v} children.", "{S} raised {v} sons and daughters."),
                ("How many children does {e} have?", "How many young ones call {e} a parent?"),
                ("How many kids does {e} have?", "How many little mouths did {e} have to feed?"),
            ),
            "moved": _relation(
                "year",
                ("{S} moved to the capital in {v}.", "Since {v} the home of {s} has been the capital."),
                ("When did {e} move to the capital?", "In which year did {e} leave the countryside?"),
                ("What year did {e} come to the capital?", "When did {e} turn into a city dweller?"),
            ),
            "mentor": _relation(
                "person",
                ("{S} was taught by {v}.", "{S} learned the trade from {v}."),
                ("Who taught {e}?", "Who made a master of {e}?"),
                ("Who was the teacher of {e}?", "Who showed {e} how the work is done?"),
            ),
        },
    },
    "zh": {
        "product": {
            "warranty": _relation(
                "months",
                ("{s}的保修期为{v}。", "{s}在{v}内出了毛病可免费修理。"),
                ("{e}保修多久？", "{e}坏了，商家白给弄好的日子有多长？"),
                ("{e}的质保期是多长时间？", "{e}买来后多久出故障不用掏腰包？"),
            ),
            "weight": _relation(
                "kilograms",
                ("{s}重{v}。", "{s}称起来有{v}。"),
                ("{e}有多重？", "一个人搬{e}得扛多少公斤？"),
                ("{e}的重量是多少？", "要放得下{e}，架子得承受几公斤？"),
            ),
            "price": _relation(
                "money",
                ("{s}售价{v}。", "{s}在店里卖{v}。"),
                ("{e}多少钱？", "要把{e}带回家，口袋里得装多少元？"),
                ("{e}的价格是多少？", "为了{e}得往柜台上放几元？"),
            ),
            "runtime": _relation(
                "hours",
                ("{s}充满电后能用{v}。", "{s}充一次电可工作{v}。"),
                ("{e}的续航时间是多久？", "{e}离开插座能撑几个小时？"),
                ("{e}一次充电能用多久？", "{e}过多少小时又得接上插头？"),
            ),
            "designer": _relation(
                "person",
                ("{s}由{v}设计。", "{s}的图纸出自{v}之手。"),
                ("{e}是谁设计的？", "{e}最初是谁想出来的？"),
                ("{e}的设计师是谁？", "{e}的点子来自何人？"),
            ),
            "released": _relation(
                "year",
                ("{s}于{v}上市。", "{s}从{v}起在商店里出售。"),
                ("{e}是哪一年发布的？", "大家从哪年开始用得上{e}？"),
                ("{e}什么时候推出的？", "世人头一回见到{e}是哪一年？"),
            ),
        },
        "town": {
            "population": _relation(
                "thousands",
                ("{s}有{v}名居民。", "按最近的统计，{s}住着{v}人。"),
                ("{e}有多少人口？", "把{e}的老老少少都数一遍是几个？"),
                ("{e}有多少居民？", "搬到{e}会有多少个邻居？"),
            ),
            "mayor": _relation(
                "person",
                ("{s}的镇长是{v}。", "{s}的议会由{v}主持。"),
                ("谁是{e}的镇长？", "{e}现在听谁的？"),
                ("{e}的镇长叫什么名字？", "{e}的事最后由何人说了算？"),
            ),
            "founded": _relation(
                "year",
                ("{s}建于{v}。", "{s}最早的房屋盖于{v}。"),
                ("{e}是什么时候建立的？", "头一批移民是哪一年落脚{e}的？"),
                ("{e}哪一年建成？", "{e}的历史从哪年算起？"),
            ),
            "altitude": _relation(
                "metres",
                ("{s}海拔{v}。", "{s}的地势高出海面{v}。"),
                ("{e}的海拔是多少？", "从岸边走到{e}要往上爬多少米？"),
                ("{e}有多高？", "在{e}掏出测高仪会看到几米？"),
            ),
            "river": _relation(
                "river",
                ("{s}坐落在{v}边。", "{v}从{s}穿过。"),
                ("哪条河流经{e}？", "{e}的孩子夏天在什么水里游泳？"),
                ("{e}在哪条河边？", "{e}的桥下淌着哪条河？"),
            ),
            "market": _relation(
                "weekday",
                ("{s}每逢{v}赶集。", "商贩{v}来{s}摆摊。"),
                ("{e}星期几赶集？", "去{e}买农民的新鲜菜要挑哪天？"),
                ("{e}的集市在星期几？", "{e}一周里哪一天街上最热闹？"),
            ),
        },
        "person": {
            "birthplace": _relation(
                "town",
                ("{s}出生在{v}。", "{s}来自{v}。"),
                ("{e}出生在哪里？", "{e}打什么地方来？"),
                ("{e}的出生地是哪里？", "{e}的老家在哪儿？"),
            ),
            "born": _relation(
                "year",
                ("{s}生于{v}。", "{s}在{v}来到人世。"),
                ("{e}是哪年出生的？", "{e}的父母在哪一年添了这个宝宝？"),
                ("{e}什么时候出生？", "{e}的一生从哪年开始？"),
            ),
            "profession": _relation(
                "profession",
                ("{s}是一名{v}。", "{s}靠当{v}谋生。"),
                ("{e}的职业是什么？", "{e}拿什么养家？"),
                ("{e}是做什么工作的？", "{e}每天从早到晚忙些什么？"),
            ),
            "children": _relation(
                "few",
                ("{s}有{v}个孩子。", "{s}养大了{v}个儿女。"),
                ("{e}有几个孩子？", "{e}家里有几个小家伙？"),
                ("{e}有多少个子女？", "管{e}叫爸妈的有几个？"),
            ),
            "moved": _relation(
                "year",
                ("{s}于{v}搬到首都。", "{s}自{v}起在首都安家。"),
                ("{e}什么时候搬到首都的？", "{e}是哪年离开乡下的？"),
                ("{e}哪一年去了首都？", "{e}从哪年起成了城里人？"),
            ),
            "mentor": _relation(
                "person",
                ("{s}师从{v}。", "{s}的手艺是{v}教的。"),
                ("谁教了{e}？", "{e}的一身本事是跟谁练出来的？"),
                ("{e}的老师是谁？", "带{e}入门的是何人？"),
            ),
        },
    },
}
UNNAMED: dict[str, dict[Theme, tuple[str, str]]] = {
    "en": {"product": ("The device", "the device"), "town": ("The town", "the town"), "person": ("She", "her")},
    "zh": {"product": ("本机", "本机"), "town": ("该镇", "该镇"), "person": ("他", "他")},
}
"""What stands for the name of a page's own subject, under its heading: {S}, {s}."""
FILLERS: dict[str, dict[Theme, tuple[str, ...]]] = {
    "en": {
        "product": (
            "Keep this page in a dry drawer.",
            "Wait ten seconds before you switch it on again.",
            "The filter can be washed under running water.",
            "Never open the housing with a knife.",
            "There are three buttons on the left side.",
            "A soft cloth is enough for cleaning.",
            "The blue lamp means that all is well.",
            "Spare parts are listed on the last page.",
        ),
        "town": (
            "Visitors praise the quiet streets.",
            "Two roads lead to the old gate.",
            "In spring the gardens are full of tulips.",
            "The bakery opens at six in the morning.",
            "A long wall protects the harbour from storms.",
            "Most roofs are made of red tiles.",
            "The museum shows tools of the fishermen.",
            "On clear evenings one sees the islands.",
        ),
        "person": (
            "Friends remember a loud laugh.",
            "Long walks were a habit of many years.",
            "The letters fill two boxes in the archive.",
            "A small dog was never far away.",
            "Breakfast was at seven, and always tea.",
            "Some drawings hang in the public library.",
            "The favourite colour was green.",
            "Travel by ship was avoided.",
        ),
    },
    "zh": {
        "product": (
            "请把本页放在干燥的抽屉里。",
            "再次开机前请等十秒。",
            "滤网可以用清水冲洗。",
            "切勿用刀撬开外壳。",
            "左侧有三个按钮。",
            "清洁时用软布即可。",
            "蓝灯亮表示一切正常。",
            "备件列在最后一页。",
        ),
        "town": (
            "游客都称赞这里安静的街道。",
            "两条大路通向老城门。",
            "春天花园里开满郁金香。",
            "面包房早上六点开门。",
            "一道长堤为港口挡住风暴。",
            "屋顶大多铺着红瓦。",
            "博物馆里陈列着渔民的工具。",
            "天晴的傍晚可以望见海岛。",
        ),
        "person": (
            "朋友们都记得那爽朗的笑声。",
            "长途散步是多年的习惯。",
            "信件装满了档案馆里的两个箱子。",
            "身边总跟着一只小狗。",
            "早餐总在七点，而且一定喝茶。",
            "几幅素描挂在公共图书馆。",
            "最喜欢的颜色是绿色。",
            "从来不愿坐船旅行。",
        ),
    },
}
WEEKDAYS = {
    "en": ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"),
    "zh": ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"),
}
PROFESSIONS = {
    "en": ("baker", "carpenter", "nurse", "printer", "weaver", "gardener", "clockmaker", "pilot", "dentist", "tailor"),
    "zh": ("面包师", "木匠", "护士", "印刷工", "织布工", "园丁", "钟表匠", "飞行员", "牙医", "裁缝"),
}
FEW = {"en": ("two", "three", "four", "five", "six", "seven"), "zh": ("两", "三", "四", "五", "六", "七")}
GIVEN = ("Ada", "Bruno", "Clara", "Dario", "Edith", "Felix", "Greta", "Henrik", "Irene", "Jonas", "Klara", "Ludwig")
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
CHARACTERS = (
    "岚洛澜沁溪沐霁澄煜昭熠珩璟瑾琮瑜珞玥翊翎",
    "阔屿岑嵘峻岫崧巍峤岱峦霖霏霆雯露霜雪霞云",
    "桐楠梓桦枫槿榆柏松杉荻芷蘅芸荷菱蔚葵萱兰",
    "鹤鹭鹏鸿雁鸢鸥鹂燕鹃骏骐驰骁麒麟虎豹犀狮",
)
"""Of invented names, a list for each place; no character stands in two."""
