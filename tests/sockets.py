"""A page of the dashboard as a program asks for it: over Streamlit's socket, without a browser."""

from urllib.parse import urlencode
from urllib.request import urlopen

from itsdangerous import URLSafeTimedSerializer
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.web.server.starlette.starlette_app_utils import generate_xsrf_token_string
from websockets.sync.client import ClientConnection, connect

COOKIE, XSRF = "_streamlit_user", "_streamlit_xsrf"


def open_socket(address: str, cookie: str | None = None) -> ClientConnection:
    """Connect to the server at `address`, http://host:port/, with a login's cookie or none."""
    token = generate_xsrf_token_string()
    cookies = f"{XSRF}={token}" + (f"; {COOKIE}={cookie}" if cookie else "")
    return connect(
        address.replace("http", "ws", 1) + "_stcore/stream",
        subprotocols=["streamlit", token],
        origin=address.rstrip("/"),
        additional_headers={"Cookie": cookies},
        max_size=None,
        compression=None,
    )


def draw_page(
    socket: ClientConnection, page: str = "", query: dict[str, str] | str = "", wait_s: float = 60
) -> list[ForwardMsg]:
    """Let the server draw a page; return all that it sends."""
    message = BackMsg()
    message.rerun_script.query_string = query if isinstance(query, str) else urlencode(query)
    message.rerun_script.page_name = page
    socket.send(message.SerializeToString())
    answers = []
    while True:
        answers.append(ForwardMsg.FromString(socket.recv(wait_s)))
        if answers[-1].WhichOneof("type") == "script_finished":
            return answers


def download(socket: ClientConnection, address: str, answers: list[ForwardMsg], name: str) -> str:
    """Click the download button whose key ends in `name`; return the file's text, or the refusal.

    answers: of `draw_page`. Raises StopIteration if the page has no such button.
    """
    buttons = (answer.delta.new_element.download_button for answer in answers)
    button = next(b for b in buttons if b.id.endswith(name))
    message = BackMsg()
    begun = next(answer.new_session for answer in answers if answer.HasField("new_session"))
    message.backend_operation_request.session_id = begun.initialize.session_id
    message.backend_operation_request.request_id = name
    message.backend_operation_request.deferred_file.file_id = button.deferred_file_id
    socket.send(message.SerializeToString())
    while True:
        answer = ForwardMsg.FromString(socket.recv(60))
        if answer.WhichOneof("type") == "backend_operation_response":
            break
    response = answer.backend_operation_response
    if response.error_msg:
        return str(response.error_msg)
    with urlopen(address.rstrip("/") + response.deferred_file.url, timeout=60) as file:
        return file.read().decode("utf-8-sig")


def exceptions_of(answers: list[ForwardMsg]) -> list[str]:
    """Return the exceptions that a drawn page shows, and a run that failed as a whole."""
    elements = [answer.delta.new_element for answer in answers]
    shown = [e.exception.message for e in elements if e.WhichOneof("type") == "exception"]
    ends = [answer.script_finished for answer in answers if answer.HasField("script_finished")]
    failed = {ForwardMsg.FINISHED_WITH_COMPILE_ERROR}
    return shown + [f"ended with {end}" for end in ends if end in failed]


def says(answers: list[ForwardMsg], text: str) -> bool:
    """Return whether a drawn page holds the text anywhere."""
    return any(text.encode() in answer.delta.SerializeToString() for answer in answers)


def signed_cookie(secret: str, content: str, name: str = COOKIE) -> str:
    """Return a login's cookie as Streamlit signs it."""
    return URLSafeTimedSerializer(secret, salt=name).dumps(content)
