"""The composition root of user_svc."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial

from lensfeed.user.v1 import user_internal_service_pb2_grpc, user_service_pb2_grpc

from meshkit.events import open_producer
from meshkit.grpc import server
from meshkit.grpc.channels import connect
from meshkit.grpc.server import Process
from meshkit.media_urls import MediaUrls
from meshkit.opened_store import migration
from meshkit.revocations import open_revocations
from meshkit.sight.peer import open_gate
from user_svc.accounts.change_credentials import ChangeCredentials
from user_svc.accounts.create_recovery_codes import CreateRecoveryCodes
from user_svc.accounts.create_user import CreateUser
from user_svc.accounts.get_user import GetUser
from user_svc.accounts.passwords import open_passwords
from user_svc.accounts.update_user import UpdateUser
from user_svc.events import STREAM, user_updated
from user_svc.failure_counts import open_failure_counts
from user_svc.messages import Messages
from user_svc.peers import MEDIA_SERVICE, MediaPictures
from user_svc.rpc import UserInternalRpc, UserRpc
from user_svc.sessions.access_tokens import TokenSigner
from user_svc.sessions.change_password import ChangePassword
from user_svc.sessions.create_session import CreateSession
from user_svc.sessions.delete_session import DeleteSession
from user_svc.sessions.end_own_session import EndOwnSession
from user_svc.sessions.end_session import EndSession
from user_svc.sessions.end_sessions import EndSessions
from user_svc.sessions.guesses import Guesses
from user_svc.sessions.key_ring import KeyRing
from user_svc.sessions.list_sessions import ListSessions
from user_svc.sessions.open_session import SessionOpener
from user_svc.sessions.recover_account import RecoverAccount
from user_svc.sessions.refresh_session import RefreshSession
from user_svc.settings import UserSettings
from user_svc.store.open import open_store


async def serve() -> None:
    """Serve accounts, profiles and sessions."""
    settings = UserSettings.load()
    async with serving_process(settings) as process:
        await server.serve(process, settings)


migrate = migration(open_store)


@contextlib.asynccontextmanager
async def serving_process(settings: UserSettings) -> AsyncIterator[Process]:
    """Open what `serve` needs and wire it up."""
    keys = KeyRing(settings.token_key_file, settings.token_key_settle_seconds)
    signer = TokenSigner(keys, settings.access_token_life)
    async with (
        open_store(settings) as (store, outbox, check),
        open_producer(settings.redis_url, STREAM, outbox) as producer,
        connect(settings.media_addr, MEDIA_SERVICE, identity=settings.identity_of("user")) as media,
        open_gate(settings, "user") as gate,
        open_passwords() as passwords,
        open_revocations(settings.redis_url) as revocations,
        open_failure_counts(settings.redis_url) as counts,
    ):
        get_user = GetUser(store, gate)
        guesses = Guesses(store, counts, settings.guess_limits)
        end_session = EndSession(store, revocations, settings.access_token_life)
        messages = Messages(MediaUrls(settings.media_base_url))
        end_sessions = EndSessions(store, end_session)
        change_credentials = ChangeCredentials(store, passwords)
        open_session = SessionOpener(store, signer, end_session, settings.session_life)
        public = UserRpc(
            create_user=CreateUser(store, passwords),
            create_session=CreateSession(store, passwords, guesses, open_session),
            refresh_session=RefreshSession(store, signer, end_session, settings.session_life),
            delete_session=DeleteSession(end_session),
            list_sessions=ListSessions(store),
            end_own_session=EndOwnSession(store, end_session),
            end_sessions=end_sessions,
            change_password=ChangePassword(change_credentials, passwords, end_sessions),
            create_recovery_codes=CreateRecoveryCodes(change_credentials),
            recover_account=RecoverAccount(store, passwords, guesses, end_sessions, open_session),
            get_user=get_user,
            update_user=UpdateUser(store, MediaPictures(media), producer, user_updated),
            messages=messages,
        )
        process = Process(
            "user_svc",
            registrations=(
                partial(user_service_pb2_grpc.add_UserServiceServicer_to_server, public),
                partial(
                    user_internal_service_pb2_grpc.add_UserInternalServiceServicer_to_server,
                    UserInternalRpc(get_user, messages),
                ),
            ),
            background={"sweep": producer.sweep},
            dependencies={"store": check, "clocks": producer.check_clocks},
        )
        yield revocations.guard(process)
