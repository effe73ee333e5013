"""The words of the phrase grammar, English and Chinese side by side. Room: text/ (worlds); used by pairs.

Every Chinese word stands once, so that English follows from Chinese. Plurals and verb forms are spelled out where the
rules of `pairs` do not make them.
"""

from __future__ import annotations

from typing import NamedTuple


class Noun(NamedTuple):
    """A noun with its plural, its Chinese and the classifier it takes there."""

    one: str
    many: str
    chinese: str
    classifier: str


class Verb(NamedTuple):
    """The forms of a verb (read, reads, read, read, reading), its Chinese, and the class of its object."""

    base: str
    third: str
    past: str
    perfect: str
    progressive: str
    chinese: str
    object_class: str


def _nouns(listed: str) -> tuple[Noun, ...]:
    found = list[Noun]()
    for entry in listed.strip().splitlines():
        one, chinese, classifier, *many = entry.split()
        found.append(Noun(one, many[0] if many else _plural(one), chinese, classifier))
    return tuple(found)


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"


NOUNS: dict[str, tuple[Noun, ...]] = {
    "person": _nouns("""
teacher 老师 位
student 学生 个
doctor 医生 位
nurse 护士 位
farmer 农民 个
driver 司机 个
singer 歌手 位
painter 画家 位
writer 作家 位
lawyer 律师 位
engineer 工程师 位
cook 厨师 位
soldier 士兵 个
child 孩子 个 children
girl 女孩 个
boy 男孩 个
neighbour 邻居 个
friend 朋友 个
guest 客人 位
merchant 商人 个
fisherman 渔夫 个 fishermen
worker 工人 个
scientist 科学家 位
musician 音乐家 位
"""),
    "animal": _nouns("""
dog 狗 只
cat 猫 只
horse 马 匹
cow 牛 头
sheep 绵羊 只 sheep
pig 猪 头
rabbit 兔子 只
bird 鸟 只
duck 鸭子 只
goat 山羊 只
monkey 猴子 只
tiger 老虎 只
elephant 大象 头
snake 蛇 条
fox 狐狸 只
bear 熊 头
"""),
    "text": _nouns("""
book 书 本
novel 小说 部
poem 诗 首
newspaper 报纸 份
magazine 杂志 本
report 报告 份
diary 日记 本
postcard 明信片 张
contract 合同 份
story 故事 个
"""),
    "food": _nouns("""
apple 苹果 个
orange 橙子 个
pear 梨 个
banana 香蕉 根
watermelon 西瓜 个
egg 鸡蛋 个
cake 蛋糕 块
potato 土豆 个 potatoes
tomato 西红柿 个 tomatoes
carrot 胡萝卜 根
biscuit 饼干 块
dumpling 饺子 个
sandwich 三明治 个
peach 桃子 个
"""),
    "thing": _nouns("""
table 桌子 张
chair 椅子 把
lamp 台灯 盏
knife 刀 把 knives
umbrella 雨伞 把
key 钥匙 把
car 汽车 辆
bicycle 自行车 辆
boat 船 艘
shirt 衬衫 件
coat 大衣 件
skirt 裙子 条
hat 帽子 顶
bag 包 个
cup 杯子 个
plate 盘子 个
bottle 瓶子 个
pen 钢笔 支
picture 画 幅
photograph 照片 张
map 地图 张
clock 钟 座
mirror 镜子 面
bed 床 张
box 箱子 个
camera 相机 台
computer 电脑 台
radio 收音机 台
rope 绳子 根
blanket 毯子 条
"""),
}
# English words with two meanings: the class, which the verb asks for, decides.
AMBIGUOUS: dict[str, tuple[Noun, ...]] = {
    "animal": _nouns("""
bat 蝙蝠 只
crane 鹤 只
seal 海豹 只
mouse 老鼠 只 mice
"""),
    "thing": _nouns("""
bat 球棒 根
crane 起重机 台
seal 印章 枚
mouse 鼠标 个 mice
"""),
    "text": _nouns("letter 信 封"),
    "food": _nouns("date 枣 颗"),
}
ADJECTIVES: dict[str, tuple[tuple[str, str], ...]] = {
    kind: tuple((entry.split()[0], entry.split()[1]) for entry in listed.split(", "))
    for kind, listed in {
        "person": "young 年轻, old 年老, famous 著名, friendly 友好, honest 诚实, lazy 懒惰, clever 聪明, polite 礼貌, "
        "brave 勇敢, tired 疲倦, happy 快乐, quiet 安静",
        "animal": "small 小小, fat 肥胖, thin 瘦弱, hungry 饥饿, wild 野生, white 白色, black 黑色, brown 棕色, "
        "strong 强壮",
        "text": "long 很长, short 很短, interesting 有趣, boring 无聊, strange 奇怪, important 重要, secret 秘密",
        "food": "fresh 新鲜, sweet 很甜, cold 冰冷, ripe 成熟, tasty 美味, rotten 腐烂",
        "thing": "red 红色, blue 蓝色, green 绿色, yellow 黄色, new 崭新, expensive 昂贵, cheap 便宜, heavy 沉重, "
        "light 轻便, dirty 肮脏, clean 干净, broken 破损, beautiful 漂亮, ugly 难看, useful 有用, wooden 木制",
    }.items()
}


def _verbs(listed: str, object_class: str) -> tuple[Verb, ...]:
    found = list[Verb]()
    for entry in listed.split(", "):
        *forms, chinese = entry.split()
        base = forms[0]
        stem = base.removesuffix("e")
        past, perfect = (forms[1], forms[-1]) if len(forms) > 1 else (f"{stem}ed", f"{stem}ed")
        third = f"{base}es" if base.endswith(("s", "x", "ch", "sh")) else f"{base}s"
        if base.endswith("y") and base[-2] not in "aeiou":
            third = f"{base[:-1]}ies"
            past = perfect = f"{base[:-1]}ied"
        found.append(Verb(base, third, past, perfect, f"{DOUBLED.get(base, stem)}ing", chinese, object_class))
    return tuple(found)


DOUBLED = {"cut": "cutt", "hit": "hitt", "see": "see", "get": "gett"}
VERBS: tuple[Verb, ...] = (
    *_verbs("visit 拜访, help 帮助, invite 邀请, thank 感谢, praise 称赞, meet met met 遇见, interview 采访", "person"),
    *_verbs(
        "feed fed fed 喂, catch caught caught 捉住, chase 追赶, ride rode ridden 骑, draw drew drawn 描绘", "animal"
    ),
    *_verbs("read read read 读, write wrote written 写, translate 翻译, publish 出版, sign 签署, copy 抄写", "text"),
    *_verbs("eat ate eaten 吃, cook 煮, taste 品尝, peel 剥, cut cut cut 切", "food"),
    *_verbs(
        "buy bought bought 买, sell sold sold 卖, repair 修理, clean 清洗, inspect 检查, damage 弄坏, "
        "carry 搬运, hide hid hidden 藏, lose lost lost 弄丢, find found found 找到, borrow 借, use 使用, steal stole "
        "stolen 偷, wash 洗, photograph 拍摄",
        "thing",
    ),
)
PUNCTUAL = frozenset(("meet", "catch", "damage", "lose", "find"))
"""Verbs of a moment: nobody is busy with them, and they are not done with care."""
GIVING: tuple[Verb, ...] = _verbs(
    "give gave given 送给, lend lent lent 借给, hand 递给, send sent sent 寄给, return 还给, show showed shown 拿给",
    "thing",
)
SAYING: tuple[Verb, ...] = _verbs(
    "say said said 说, think thought thought 认为, know knew known 知道, believe 相信, hear heard heard 听说, "
    "hope 希望",
    "sentence",
)
NAMES = (
    ("Mary", "玛丽"), ("John", "约翰"), ("Peter", "彼得"), ("Anna", "安娜"), ("David", "大卫"), ("Lucy", "露西"),
    ("Tom", "汤姆"), ("Helen", "海伦"), ("Paul", "保罗"), ("Alice", "爱丽丝"),
)  # fmt: skip
PRONOUNS = (("I", "我"), ("you", "你"), ("he", "他"), ("she", "她"), ("we", "我们"), ("they", "他们"))
OWNERS = (("my", "我的"), ("your", "你的"), ("his", "他的"), ("her", "她的"), ("our", "我们的"), ("their", "他们的"))
NUMBERS = (
    ("two", "两"), ("three", "三"), ("four", "四"), ("five", "五"), ("six", "六"), ("seven", "七"), ("eight", "八"),
    ("nine", "九"), ("ten", "十"),
)  # fmt: skip
PLACES = (
    ("in the park", "在公园里"), ("in the garden", "在花园里"), ("at school", "在学校里"),
    ("at the market", "在市场上"),
    ("in the library", "在图书馆里"), ("in the kitchen", "在厨房里"), ("at the station", "在车站"),
    ("in the hospital", "在医院里"), ("in the village", "在村子里"), ("on the beach", "在海滩上"),
    ("in the forest", "在森林里"), ("on the bridge", "在桥上"), ("at home", "在家里"), ("in the street", "在街上"),
)  # fmt: skip
TIMES: dict[str, tuple[tuple[str, str], ...]] = {
    "past": (
        ("yesterday", "昨天"), ("last week", "上个星期"), ("last night", "昨晚"), ("two days ago", "两天前"),
        ("last year", "去年"), ("this morning", "今天早上"), ("in spring", "春天"), ("on Sunday", "星期天"),
    ),
    "future": (
        ("tomorrow", "明天"), ("next week", "下个星期"), ("tonight", "今晚"), ("next year", "明年"), ("soon", "不久"),
    ),
    "progressive": (("now", "现在"), ("at the moment", "此刻")),
}  # fmt: skip
MANNERS = (
    ("quickly", "很快地"), ("slowly", "慢慢地"), ("carefully", "小心地"), ("secretly", "偷偷地"), ("quietly", "静静地"),
    ("happily", "高兴地"), ("patiently", "耐心地"), ("angrily", "生气地"),
)  # fmt: skip
