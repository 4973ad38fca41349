"""What an installation may set for assets (``ORRERY_ASSETS_...``)."""

from pydantic_settings import SettingsConfigDict

from orrery.kernel.settings import ServiceSettings


class Settings(ServiceSettings):
    """Settings of the service; what a tenant decides is in its register settings instead."""

    model_config = SettingsConfigDict(env_prefix="ORRERY_ASSETS_", extra="ignore")

    # What a QR label opens; ``{id}`` becomes the asset's id.
    asset_url: str = "http://127.0.0.1:8000/api/v1/assets/assets/{id}"
    # Whether the nightly job posts depreciation, or only a person does.
    posts_depreciation: bool = True
