"""Who plays in the demo: people who work there, customers, and what they ring about.

Numbers never leave the machine: the demo's only trunk is a phone on loopback.
"""

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Worker:
    """`phone` is the user of a SIP phone that registers; `plays`: the demo itself acts for this agent."""

    name: str
    display: str
    role: str = "agent"
    phone: str = ""
    language: str = ""
    plays: bool = False


YOU = Worker("agent", "You 你", phone="2000")
"""Left free for whoever looks at the demo."""
SUPERVISOR = Worker("supervisor", "Zhou Susan 周素珊", "supervisor")
ADMIN = Worker("admin", "Admin 管理员", "admin")
WORKERS = (
    SUPERVISOR,
    ADMIN,
    YOU,
    Worker("chenmei", "Chen Mei 陈梅", phone="2001", language="zh_Hans", plays=True),
    Worker("anna", "Anna Keller", phone="2002", language="en", plays=True),
    Worker("kaming", "Ho Ka Ming 何家明", phone="2003", language="zh_Hant", plays=True),
    Worker("linqiang", "Lin Qiang 林强", phone="2004", language="zh_Hans", plays=True),
)
PLAYING = tuple(worker for worker in WORKERS if worker.plays)


@dataclass(frozen=True, slots=True)
class Person:
    """A customer. `warranty`: days from today until it ends, negative when it has ended."""

    name: str
    number: str
    language: str = "zh_Hans"
    tier: str = "C"
    organisation: str = ""
    region: str = ""
    warranty: int | None = None
    contract: int | None = None
    note: str = ""

    def ends(self, days: int | None, today: date) -> date | None:
        """A day that lies so many days ahead."""
        return None if days is None else today + timedelta(days=days)


PEOPLE = (
    Person(
        "李雷", "+8613800138001", "zh_Hans", "A", "红星机械有限公司", "江苏省南京市", 120, 400, "年框客户"
    ),
    Person("韩梅梅", "+8613800138002", "zh_Hans", "B", "明月酒店", "浙江省杭州市", -30),
    Person("王小明", "+8613900139003", "zh_Hans", "C", "", "广东省深圳市", -400),
    Person("张伟", "+8613700137004", "zh_Hans", "A", "长江物流集团", "湖北省武汉市", 15, 15, "合同即将到期"),
    Person("刘芳", "+8613600136005", "zh_Hans", "B", "幸福小区业委会", "北京市", None, 200),
    Person("赵敏", "+8615000150006", "zh_Hans", "C", "", "上海市", 300),
    Person("孙磊", "+8615100151007", "zh_Hans", "C", "", "四川省成都市", -5),
    Person("周杰", "+8615200152008", "zh_Hans", "B", "蓝天学校", "陕西省西安市", 60),
    Person("吴静", "+8618600186009", "zh_Hans", "C", "", "天津市", 700),
    Person("郑强", "+8618900189010", "zh_Hans", "C", "", "重庆市", None, -60, "服务合同已过期"),
    Person("陳大文", "+85251234011", "zh_Hant", "A", "維港工程有限公司", "香港", 90, 365),
    Person("黃美玲", "+85261234012", "zh_Hant", "B", "", "香港九龍", -12),
    Person("李嘉欣", "+85291234013", "zh_Hant", "C", "", "香港新界", 45),
    Person("林志豪", "+886912345014", "zh_Hant", "B", "海島咖啡", "臺北", 200),
    Person(
        "Emma Clarke", "+442079460015", "en", "A", "Northgate Hotels Ltd", "London", 30, 500, "Key account"
    ),
    Person("James Miller", "+12125550116", "en", "B", "Harbor Printing", "New York", -90),
    Person("Sophie Weber", "+4930901820017", "en", "C", "", "Berlin", 180),
    Person("Oliver Brown", "+442079460018", "en", "C", "", "London", -2),
    Person("Grace Lee", "+6581234019", "en", "B", "Lion City Foods", "Singapore", 365),
    Person("Daniel Novak", "+61291234020", "en", "C", "", "Sydney", 10),
    Person("前台 红星机械", "+861065528021", "zh_Hans", "B", "红星机械有限公司", "北京市"),
    Person("采购部 红星机械", "+861065528021", "zh_Hans", "B", "红星机械有限公司", "北京市", None, 120),
)
"""The last two share a number: the desk asks which of them rings."""

STRANGERS = (
    Person("", "+8617000170031"),
    Person("", "+85298765032", "zh_Hant"),
    Person("", "+442079460933", "en"),
)
"""Unknown callers. A withheld number and one without its area code ring, too."""
WITHOUT_AREA_CODE = Person("", "65528021")
WITHHELD = Person("", "anonymous")


@dataclass(frozen=True, slots=True)
class Matter:
    """Why somebody rings, by written language: what happened, what is wanted, and the answer that settles it."""

    type: str
    severity: int
    happened: dict[str, str]
    wants: dict[str, str]
    answer: dict[str, str]


def _three(en: str, hans: str, hant: str) -> dict[str, str]:
    return {"en": en, "zh_Hans": hans, "zh_Hant": hant}


MATTERS = (
    Matter(
        "repair",
        3,
        _three(
            "The pump stopped after two days and leaks.",
            "水泵用了两天就停了，而且漏水。",
            "水泵用了兩天就停了，還漏水。",
        ),
        _three("A technician this week.", "希望本周派人上门维修。", "希望本週派人上門維修。"),
        _three(
            "A technician comes on Thursday at nine.",
            "工程师周四上午九点上门。",
            "工程師星期四上午九點上門。",
        ),
    ),
    Matter(
        "delivery",
        3,
        _three("The order is a week late.", "订单晚了一个星期还没到。", "訂單遲了一個星期還未到。"),
        _three("To know the day it arrives.", "想知道哪天能到货。", "想知道哪天送到。"),
        _three("It is delivered tomorrow before noon.", "明天中午前送达。", "明天中午前送到。"),
    ),
    Matter(
        "billing",
        4,
        _three("The invoice names the wrong company.", "发票抬头开错了。", "發票抬頭開錯了。"),
        _three("A corrected invoice.", "请重开发票。", "請重開發票。"),
        _three("The corrected invoice was sent by mail.", "已重开并寄出发票。", "已重開並寄出發票。"),
    ),
    Matter(
        "refund",
        2,
        _three("Returned a month ago, no refund yet.", "退货一个月了还没退款。", "退貨一個月仍未退款。"),
        _three("The money back.", "请马上退款。", "請立即退款。"),
        _three("The refund was booked today.", "退款今天已到账。", "退款今天已入帳。"),
    ),
    Matter(
        "service",
        3,
        _three(
            "Nobody came although it was promised.",
            "约好上门没有人来，也没有电话。",
            "約好上門卻沒有人來，也沒有電話。",
        ),
        _three("An excuse and a new date.", "要求道歉并重新约时间。", "要求道歉並重新約時間。"),
        _three(
            "We apologised; the new date is tomorrow.", "已道歉，改约明天上午。", "已道歉，改約明天上午。"
        ),
    ),
    Matter(
        "installation",
        1,
        _three(
            "The heater smells of gas since it was installed.",
            "热水器装好以后有煤气味。",
            "熱水爐安裝後有煤氣味。",
        ),
        _three("Somebody at once.", "要求马上派人。", "要求立即派人。"),
        _three("The valve was replaced and tested.", "阀门已更换并检测。", "閥門已更換並檢測。"),
    ),
    Matter(
        "warranty",
        4,
        _three("The shop refuses the warranty.", "门店拒绝保修。", "門市拒絕保養。"),
        _three("Repair under warranty.", "按保修免费维修。", "按保養免費維修。"),
        _three("The shop repairs it free of charge.", "门店将免费维修。", "門市會免費維修。"),
    ),
)
QUESTION = Matter(
    "product",
    4,
    _three("Asks which filter fits.", "咨询适用的滤芯型号。", "查詢合用的濾芯型號。"),
    _three("The part number.", "想知道型号。", "想知道型號。"),
    _three("Filter F-200.", "滤芯 F-200。", "濾芯 F-200。"),
)
CHASE = _three("Asks how far it is.", "客户来电催问进度。", "客戶來電追問進度。")
PROMISE = _three("We ring back with a date.", "我们会回电告知时间。", "我們會回電告知時間。")

LINES = {
    "en": "Hello, I have a complaint. Your product stopped working, and nobody calls me back. Please help me.",
    "cmn": "你好，我要投诉。你们的产品坏了，一直没有人给我回电话，请帮我处理一下。",
    "yue": "你好，我要投訴。你哋嘅產品壞咗，一直冇人覆我電話，請幫我處理。",
}
"""What callers say, by spoken language."""
ANSWERS = {
    "en": "Good day, this is the service hotline. I am sorry to hear that. I write it down and stay with it.",
    "cmn": "您好，这里是服务热线。很抱歉给您带来不便，我马上为您登记，并一直负责到底。",
    "yue": "你好，服務熱線。唔好意思，我即刻幫你登記，並且會一直跟進。",
}
"""What agents say."""
