"""The four depreciation functions every spreadsheet has, on exact decimals.

They are defined by OpenDocument Format 1.3 part 4 (OpenFormula), sections 6.12: SLN, SYD, DB, DDB.
Accountants check schedules against them, so ``methods`` builds on the same formulas.
"""

from decimal import Decimal, localcontext

from orrery.kernel.types.money import round_half_up

# Far more digits than any amount has, so that what is left out cannot reach a cent.
PRECISION = 60
_RATE_PLACES = 3


def straight_line(cost: Decimal, salvage: Decimal, life: Decimal) -> Decimal:
    """SLN: the depreciable amount divided by the life; the same in every period (IAS 16.62)."""
    return (cost - salvage) / life


def sum_of_years_digits(cost: Decimal, salvage: Decimal, life: Decimal, period: Decimal) -> Decimal:
    """SYD: years left at the start of the period over the sum of all years' digits."""
    return (cost - salvage) * (life - period + 1) * 2 / (life * (life + 1))


def fixed_rate(cost: Decimal, salvage: Decimal, life: Decimal) -> Decimal:
    """The declining-balance rate that ends at salvage: 1 - (salvage / cost) ** (1 / life).

    Rounded to three places, as spreadsheets do.
    """
    if cost <= salvage:
        return Decimal(0)
    with localcontext(prec=PRECISION):
        rate = 1 - (salvage / cost) ** (1 / life)
    return round_half_up(rate, _RATE_PLACES)


def fixed_declining(
    cost: Decimal, salvage: Decimal, life: int, period: int, months_in_first_year: int = 12
) -> Decimal:
    """DB: the book value at the start of the period times the fixed rate.

    The first period has ``months_in_first_year`` months; one more period takes the rest of it.
    """
    rate = fixed_rate(cost, salvage, Decimal(life))
    amount = taken = cost * rate * months_in_first_year / 12
    for _ in range(2, min(period, life) + 1):
        amount = (cost - taken) * rate
        taken += amount
    if period > life:
        return (cost - taken) * rate * (12 - months_in_first_year) / 12
    return amount


def double_declining(
    cost: Decimal, salvage: Decimal, life: Decimal, period: int, factor: Decimal = Decimal(2)
) -> Decimal:
    """DDB: book value at the start times factor / life, but never below salvage."""
    taken = amount = Decimal(0)
    for _ in range(period):
        room = max(cost - salvage - taken, Decimal(0))
        amount = min((cost - taken) * factor / life, room)
        taken += amount
    return amount
