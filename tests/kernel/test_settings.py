"""Settings: no default secret outside development, no secret in print (DESIGN 11)."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from orrery.kernel import settings
from orrery.kernel.service import discover
from orrery.kernel.settings import DefaultSecret, Settings

ROOT = Path(__file__).parents[2]
SECRETS = {
    "secret_key": "ORRERY_SECRET_KEY",
    "service_key": "ORRERY_SERVICE_KEY",
    "demo_password": "ORRERY_DEMO_PASSWORD",
}
OWN = {name: SecretStr(f"our own {name}, long enough") for name in SECRETS}
# Whoever names a setting like this means a secret.
SECRET_WORDS = ("secret", "password", "token", "_key", "_url")
NOT_SECRET = {"asset_url"}


def _with(**changes: Any) -> Settings:
    return Settings().model_copy(update={"environment": "production", **OWN, **changes})


@pytest.mark.parametrize("environment", ["staging", "production"])
@pytest.mark.parametrize("name", list(SECRETS))
@pytest.mark.parametrize("value", ["default", ""])
def test_a_default_secret_is_refused_outside_development(
    environment: str, name: str, value: str
) -> None:
    """Each secret by itself; the sentence names the variable to set, and no other."""
    held = SecretStr(value) if not value else Settings.model_fields[name].default
    with pytest.raises(DefaultSecret) as refused:
        settings.refuse_default_secrets(_with(environment=environment, **{name: held}))
    assert [known for known in SECRETS.values() if known in str(refused.value)] == [SECRETS[name]]
    assert environment in str(refused.value)


@pytest.mark.parametrize("environment", ["development", "test"])
def test_default_secrets_are_good_enough_on_a_laptop(environment: str) -> None:
    """Three commands from nothing: development asks for no secrets."""
    chosen = {name: Settings.model_fields[name].default for name in SECRETS}
    settings.refuse_default_secrets(_with(environment=environment, **chosen))


def test_own_secrets_may_go_to_production() -> None:
    """All three set: nothing is refused."""
    settings.refuse_default_secrets(_with())


def test_a_process_does_not_start_in_production_with_default_secrets(tmp_path: Path) -> None:
    """The command line says which to set in one line, and starts no database."""
    data = tmp_path / "var"
    run = _orrery("tenant", "list", "--data", str(data), ORRERY_ENVIRONMENT="production")
    assert run.returncode == 1
    assert [name in run.stderr for name in SECRETS.values()] == [True] * 3
    assert "Traceback" not in run.stderr
    assert not data.exists()


def test_an_unknown_environment_is_refused() -> None:
    """A typing error must not count as development."""
    with pytest.raises(ValueError, match="environment"):
        Settings(environment="prod")  # type: ignore[arg-type] # the wrong value is the test


def test_masked_shows_everything_but_secrets() -> None:
    """Names and plain values as they are, stars instead of every secret, nothing for none."""
    told = settings.masked(_with(database_url=SecretStr("postgresql://u:hush@db/orrery")))
    assert "hush" not in str(told)
    assert {told[name] for name in (*SECRETS, "database_url")} == {"********"}
    assert (told["port"], told["metrics_token"]) == (Settings().port, None)
    assert set(told) == set(Settings.model_fields)


@pytest.mark.slow
def test_the_printed_settings_of_all_services_show_no_secret() -> None:
    """``orrery settings`` as an operator runs it, with a secret in every place for one."""
    names = [
        f"{kind.model_config.get('env_prefix', '')}{name}".upper()
        for kind in _kinds()
        for name, field in kind.model_fields.items()
        if SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ()))
    ]
    run = _orrery("settings", **{name: f"smtp://hush{n}" for n, name in enumerate(names)})
    assert run.returncode == 0, run.stderr
    assert "hush" not in run.stdout + run.stderr
    assert [name for name in names if name not in run.stdout] == []
    assert run.stdout.count("********") == len(names)
    assert {"ORRERY_NOTIFICATIONS_SMTP_URL", *SECRETS.values()} <= set(names)


def test_every_setting_that_is_a_secret_is_kept_as_one() -> None:
    """A password in a plain text field would be printed and logged."""
    assert [plain for kind in _kinds() for plain in _plain_secrets(kind)] == []


def test_a_password_in_a_plain_field_is_found() -> None:
    """Proof that the check above bites."""

    class Careless(settings.ServiceSettings):
        smtp_password: str = ""
        host: str = ""

    assert _plain_secrets(Careless) == ["smtp_password"]


def _kinds() -> list[Any]:
    return [Settings, *(s.settings for s in discover().values() if s.settings is not None)]


def _plain_secrets(kind: Any) -> list[str]:
    return [
        name
        for name, field in kind.model_fields.items()
        if any(word in f"_{name}" for word in SECRET_WORDS)
        and str in (field.annotation, *getattr(field.annotation, "__args__", ()))
        and name not in NOT_SECRET
    ]


def _orrery(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ORRERY_")}
    return subprocess.run(
        [sys.executable, "-m", "orrery.platform.cli", *arguments],
        cwd=ROOT,
        env=kept | {"COLUMNS": "300"} | more,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
