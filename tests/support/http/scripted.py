"""An HTTP server that gives prepared answers and remembers what it was asked."""

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.http.server import HttpServer


class ScriptedServer(HttpServer):
    """Answers the n-th request with the n-th answer, and all later ones with the last."""

    def __init__(self, *answers: bytes | str | Response) -> None:
        super().__init__(Starlette(routes=[Route("/{path:path}", self._answer, methods=["GET", "POST"])]))
        self.asked: list[tuple[str, bytes]] = []  # path with query, body
        self.headers: list[dict[str, str]] = []
        self._answers = list(answers)

    def prepare(self, answers: Iterable[bytes | str | Response]) -> None:
        """Forget what is left and answer so from now on."""
        self._answers = list(answers)

    async def _answer(self, request: Request) -> Response:
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self.asked.append((target, await request.body()))
        self.headers.append(dict(request.headers))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return answer if isinstance(answer, Response) else Response(answer)
