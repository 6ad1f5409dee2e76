"""What callers hear, in English, Mandarin and Cantonese."""

from collections.abc import Iterable, Mapping

from callcenter.routing.walk import Words

SPOKEN = ("en", "cmn", "yue")
NAMED = "prompt:"
"""Begins a text that names a prompt (`callcenter.prompts`)."""

_TEXTS = {
    "greeting": {
        "en": "Welcome to the service hotline. Please hold the line.",
        "cmn": "欢迎致电服务热线，请稍候。",
        "yue": "歡迎致電服務熱線，請稍等。",
    },
    "recorded": {
        "en": "This call may be recorded.",
        "cmn": "为保证服务质量，您的通话可能会被录音。",
        "yue": "為確保服務質素，通話可能會被錄音。",
    },
    "place": {
        "en": "You are number {place} in the queue.",
        "cmn": "您现在排在第{place}位。",
        "yue": "您而家排第{place}位。",
    },
    "expected_minute": {
        "en": "The wait is about one minute.",
        "cmn": "预计等待约一分钟。",
        "yue": "預計要等大約一分鐘。",
    },
    "expected_minutes": {
        "en": "The wait is about {minutes} minutes.",
        "cmn": "预计等待约{minutes}分钟。",
        "yue": "預計要等大約{minutes}分鐘。",
    },
    "sorry_busy": {
        "en": "We are sorry, nobody is free at the moment. If we know your number, we will call you back. Goodbye.",
        "cmn": "很抱歉，目前座席全忙。如果我们有您的号码，我们会给您回电。再见。",
        "yue": "對唔住，而家所有同事都好忙。如果我哋有您嘅電話號碼，我哋會覆電畀您。再見。",
    },
    "callback_offer": {
        "en": "To keep your place and be called back, press {key}.",
        "cmn": "如需保留排队位置并由我们给您回电，请按 {key}。",
        "yue": "如果想保留輪候位置，等我哋覆電畀您，請按 {key}。",
    },
    "callback_confirm": {
        "en": "We will call you back on {number}. Press 1 if that is right, 2 for another number, or star to keep"
        " waiting.",
        "cmn": "我们将拨打 {number} 给您回电。确认请按 1，更换号码请按 2，继续等候请按星号键。",
        "yue": "我哋會打 {number} 覆電畀您。確認請按 1，改用其他號碼請按 2，繼續等候請按星號鍵。",
    },
    "callback_enter": {
        "en": "Please enter the number that we should call, then press the hash key. To keep waiting, press star.",
        "cmn": "请输入回电号码，固定电话请加区号，按井号键结束。继续等候请按星号键。",
        "yue": "請輸入覆電號碼，然後按井號鍵。繼續等候請按星號鍵。",
    },
    "callback_wrong": {
        "en": "We cannot call that number.",
        "cmn": "无法拨打您输入的号码。",
        "yue": "您輸入嘅號碼打唔通。",
    },
    "callback_kept": {
        "en": "Thank you. You keep your place, and we will call you when it is your turn. Goodbye.",
        "cmn": "谢谢，您的排队位置已保留，轮到您时我们会给您回电。再见。",
        "yue": "多謝，已經保留您嘅輪候位置，輪到您嗰陣我哋會覆電畀您。再見。",
    },
    "callback_resumed": {
        "en": "You have kept your place in the queue.",
        "cmn": "您的排队位置已为您保留。",
        "yue": "您嘅輪候位置仲保留緊。",
    },
    "message_offer": {
        "en": "To leave a message and keep your place, press {key}. We will call you back.",
        "cmn": "如需留言并保留您的排队位置，请按 {key}，我们会给您回电。",
        "yue": "如果想留言並保留您嘅輪候位置，請按 {key}，我哋會覆電畀您。",
    },
    "message_greeting": {
        "en": "Please leave your message after the tone. Press the hash key when you have finished.",
        "cmn": "请在提示音后留言，留言结束请按井号键。",
        "yue": "請喺提示音之後留言，留言完畢請按井號鍵。",
    },
    "message_kept": {
        "en": "Thank you, your message has been saved. If we know your number, you keep your place and we will call you"
        " back. Goodbye.",
        "cmn": "谢谢，您的留言已收到。如果我们有您的号码，您的排队位置将予以保留，我们会尽快给您回电。再见。",
        "yue": "多謝，已經收到您嘅留言。如果我哋有您嘅電話號碼，會保留您嘅輪候位置，盡快覆電畀您。再見。",
    },
    "message_empty": {
        "en": "We did not hear a message. Goodbye.",
        "cmn": "没有听到您的留言，再见。",
        "yue": "聽唔到您嘅留言，再見。",
    },
    "message_failed": {
        "en": "We are sorry, your message could not be recorded. If we know your number, we will call you back. Goodbye.",
        "cmn": "很抱歉，您的留言未能录制。如果我们有您的号码，我们会给您回电。再见。",
        "yue": "對唔住，未能錄到您嘅留言。如果我哋有您嘅電話號碼，我哋會覆電畀您。再見。",
    },
    "connecting": {
        "en": "Hello, this is the service hotline about your request. Please hold, we are connecting you.",
        "cmn": "您好，这里是服务热线，就您反映的问题给您回电。请稍候，正在为您接通。",
        "yue": "您好，呢度係服務熱線，關於您反映嘅問題覆電畀您。請稍等，而家幫您接通。",
    },
    "sorry_later": {
        "en": "We are sorry, your agent cannot be reached right now. We will call you again. Goodbye.",
        "cmn": "很抱歉，负责人员暂时无法接听，我们会再次给您回电。再见。",
        "yue": "對唔住，負責嘅同事暫時未能接聽，我哋會再打畀您。再見。",
    },
    "question": {
        "en": "Hello, this is the service hotline. Your complaint was closed. How satisfied are you?"
        " Press a key from 1, very dissatisfied, to 5, very satisfied.",
        "cmn": "您好，这里是服务热线。您反映的问题已经办结。请问您是否满意？请按 1 到 5，1 为非常不满意，5 为非常满意。",
        "yue": "您好，呢度係服務熱線。您反映嘅問題已經處理好。請問您滿唔滿意？請按 1 至 5，1 係非常唔滿意，5 係非常滿意。",
    },
    "wrong_key": {
        "en": "That key is not known.",
        "cmn": "按键无效。",
        "yue": "按鍵無效。",
    },
    "thanks": {
        "en": "Thank you very much. Goodbye.",
        "cmn": "谢谢您的评价，再见。",
        "yue": "多謝您嘅評價，再見。",
    },
    "busy": {
        "en": "The number is busy.",
        "cmn": "您拨打的号码正忙。",
        "yue": "您打嘅電話正在通話中。",
    },
    "no_answer": {
        "en": "Nobody answers.",
        "cmn": "您拨打的号码无人接听。",
        "yue": "您打嘅電話冇人接聽。",
    },
    "refused": {
        "en": "The call was refused.",
        "cmn": "对方拒绝接听。",
        "yue": "對方拒絕接聽。",
    },
    "unreachable": {
        "en": "The number cannot be reached.",
        "cmn": "您拨打的号码无法接通。",
        "yue": "您打嘅電話未能接通。",
    },
    "wrong_number": {
        "en": "This number does not exist. Please check it.",
        "cmn": "您拨打的号码是空号，请核对后再拨。",
        "yue": "您打嘅電話號碼唔存在，請核對後再打。",
    },
    "network": {
        "en": "The telephone network did not put the call through. Please try again later.",
        "cmn": "线路故障，呼叫未能接通，请稍后再拨。",
        "yue": "電話網絡未能接通，請稍後再打。",
    },
    "not_allowed": {
        "en": "You may not dial this number.",
        "cmn": "您没有拨打此号码的权限。",
        "yue": "您冇權限撥打呢個號碼。",
    },
    "no_capacity": {
        "en": "Too many calls are under way. Please try again later.",
        "cmn": "当前呼叫过多，请稍后再拨。",
        "yue": "而家太多通話，請稍後再打。",
    },
    "failed": {
        "en": "The call could not be placed.",
        "cmn": "呼叫失败，请稍后再拨。",
        "yue": "未能打出電話，請稍後再試。",
    },
    "complaint_number": {
        "en": "Please enter the number of your complaint, then press the hash key.",
        "cmn": "请输入您的投诉单号，按井号键结束。",
        "yue": "請輸入您嘅投訴編號，然後按井號鍵。",
    },
    "complaint_proof": {
        "en": "To protect your data, please enter the last four digits of the phone number that you left with us.",
        "cmn": "为保护您的信息，请输入您登记的联系电话的最后四位数字。",
        "yue": "為咗保護您嘅資料，請輸入您登記嘅聯絡電話最後四個數字。",
    },
    "wrong_proof": {
        "en": "These digits do not match.",
        "cmn": "您输入的号码不符。",
        "yue": "您輸入嘅號碼唔啱。",
    },
    "complaint_unknown": {
        "en": "We do not find a complaint with this number.",
        "cmn": "没有查到该单号的投诉。",
        "yue": "搵唔到呢個編號嘅投訴。",
    },
    "complaint_unavailable": {
        "en": "We cannot look it up at the moment.",
        "cmn": "暂时无法查询。",
        "yue": "暫時未能查詢。",
    },
    "complaint_registered": {
        "en": "Your complaint {number} is registered.",
        "cmn": "您的投诉 {number} 已登记。",
        "yue": "您嘅投訴 {number} 已經登記。",
    },
    "complaint_in_progress": {
        "en": "Your complaint {number} is being worked on.",
        "cmn": "您的投诉 {number} 正在处理中。",
        "yue": "您嘅投訴 {number} 處理緊。",
    },
    "complaint_waiting_customer": {
        "en": "Your complaint {number} waits for an answer from you.",
        "cmn": "您的投诉 {number} 正在等待您的答复。",
        "yue": "您嘅投訴 {number} 等緊您嘅回覆。",
    },
    "complaint_proposed": {
        "en": "There is a proposed answer to your complaint {number}. We will call you about it.",
        "cmn": "您的投诉 {number} 已有处理方案，我们会给您回电说明。",
        "yue": "您嘅投訴 {number} 已經有處理方案，我哋會覆電同您講。",
    },
    "complaint_callback_due": {
        "en": "Your complaint {number} was dealt with. We will call you to hear whether it is settled.",
        "cmn": "您的投诉 {number} 已处理，我们会给您回电确认是否解决。",
        "yue": "您嘅投訴 {number} 已經處理，我哋會覆電確認係咪解決咗。",
    },
    "complaint_closed_unreached": {
        "en": "Your complaint {number} is closed. We could not reach you.",
        "cmn": "您的投诉 {number} 已办结，我们未能联系到您。",
        "yue": "您嘅投訴 {number} 已經結案，我哋聯絡唔到您。",
    },
    "complaint_closed": {
        "en": "Your complaint {number} is closed.",
        "cmn": "您的投诉 {number} 已办结。",
        "yue": "您嘅投訴 {number} 已經結案。",
    },
    "complaint_withdrawn": {
        "en": "Your complaint {number} was withdrawn.",
        "cmn": "您的投诉 {number} 已撤销。",
        "yue": "您嘅投訴 {number} 已經撤銷。",
    },
    "complaint_merged": {
        "en": "Your complaint {number} was joined with another one of yours.",
        "cmn": "您的投诉 {number} 已并入您的另一件投诉。",
        "yue": "您嘅投訴 {number} 已經併入您另一個投訴。",
    },
    "complaint_owner": {
        "en": "{owner} is responsible for it.",
        "cmn": "负责人是 {owner}。",
        "yue": "負責嘅同事係 {owner}。",
    },
    "goodbye": {
        "en": "Thank you. Goodbye.",
        "cmn": "谢谢，再见。",
        "yue": "多謝，再見。",
    },
}


def say(phrase: str, language: str, **values: int | str) -> str:
    """A prompt (see `commands.PlayPrompts`) in one language; English when the language is not spoken."""
    spoken = language if language in SPOKEN else "en"
    return f"say:{spoken}:{_TEXTS[phrase][spoken].format(**values)}"


def own(
    phrase: str,
    text: str,
    language: str,
    languages: tuple[str, ...],
    prompts: Mapping[str, Mapping[str, str]],
) -> tuple[str, ...]:
    """What a queue or a plan says in a phrase's place: nothing for `-`; a prompt by its name in the caller's language,
    else in the default one; its own text in the default language; the standard phrase in the caller's language or,
    while that is unknown, in each of ours; nothing where there is none (`phrase` empty)."""
    if text == "-":
        return ()
    if text.startswith(NAMED):
        named = prompts.get(text.removeprefix(NAMED), {})
        wanted = (language, *languages) if language else languages
        found = next((named[one] for one in wanted if one in named), next(iter(named.values()), ""))
        if found:
            return (found,)
    elif text:
        return (f"say:{languages[0]}:{text}",)
    if not phrase:
        return ()
    return tuple(say(phrase, one) for one in ((language,) if language else languages))


def of_plan(
    words: Iterable[Words],
    language: str,
    languages: tuple[str, ...],
    prompts: Mapping[str, Mapping[str, str]],
) -> tuple[str, ...]:
    """What a plan says, as prompts: its own texts as a queue's; the standard ones in the caller's language, or in each of
    ours while that is unknown."""
    found: list[str] = []
    for one in words:
        if one.text:
            found += own(one.phrase, one.text, language, languages, prompts)
        elif one.phrase:
            found += [
                say(one.phrase, each, **one.values) for each in ((language,) if language else languages)
            ]
    return tuple(found)
