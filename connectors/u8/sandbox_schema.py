"""U8's tables for SQLite and PostgreSQL, with a counter that does what SQL Server's rowversion does.

The counter is given when a row is written; `min_active_rowversion` tells, as SQL Server's function does, the lowest
value that a transaction still open may have taken. Only the columns that the connector knows, with U8's types.
"""

from __future__ import annotations

from collections.abc import Collection

SYSTEM = {
    "UA_Account": "cAcc_Id s3 pk, cAcc_Name s40, iYear int, iMonth int",
    "UA_AccountDatabase": "cAcc_Id s3, iBeginYear int, iEndYear int, cDatabase s40",
    "UA_Period": "cAcc_Id s3, iYear int, iId int, dBegin dt, dEnd dt",
}
DATA = {
    "Inventory": "cInvCode s60 pk, cInvName s255, cInvStd s255, cInvCCode s12, cComUnitCode s35, cVenCode s20,"
    " cDefWareHouse s10, iSafeNum float, iLowSum float, iTopSum float, fSubscribePoint float, fMinSupply float,"
    " iAdvanceDate int, iInvNCost float, bPurchase bit, bSelf bit, bSale bit, bInvBatch bit, dEDate dt,"
    " dModifyDate dt, pubufts version",
    "ComputationUnit": "cComunitCode s35 pk, cComUnitName s20",
    "Warehouse": "cWhCode s10 pk, cWhName s20, cDepCode s12, bFreeze bit, pubufts version",
    "CurrentStock": "AutoID id, cWhCode s10, cInvCode s60, ItemId int, cBatch s60, cVMIVenCode s20, iSoType int,"
    " iSodid s40, iQuantity d28.6, iNum d28.6, fStopQuantity d28.6, fOutQuantity d28.6, fTransOutQuantity d28.6,"
    " fInQuantity d28.6, fTransInQuantity d28.6, fPlanQuantity d28.6, fDisableQuantity d28.6, fAvaQuantity d28.6,"
    " cFree1 s20, dVDate dt, dMdate dt, bStopFlag bit, ufts version",
    "Customer": "cCusCode s20 pk, cCusName s98, cCusAbbName s60, cCusRegCode s50, cCCCode s12, cDCCode s12, cTrade s50,"
    " cCusAddress s255, cCusPhone s100, cCusHand s100, cCusEmail s100, cCusPerson s50, cCusPPerson s20,"
    " iCusCreLine float, dEndDate dt, dModifyDate dt, pubufts version",
    "Vendor": "cVenCode s20 pk, cVenName s98, cVenAbbName s60, cVenRegCode s50, cVCCode s12, cVenAddress s255,"
    " cVenPhone s100, cVenHand s100, cVenEmail s100, cVenPerson s50, iVenCreGrade s6, dEndDate dt, dModifyDate dt,"
    " pubufts version",
    "PO_Pomain": "POID int pk, cPOID s30, dPODate dt, cVenCode s20, cDepCode s12, cPersonCode s20, cPTCode s2,"
    " cBusType s8, cState int, cMaker s20, cVerifier s20, cAuditDate dt, cCloser s20, cexch_name s8, ufts version",
    "PO_Podetails": "ID int pk, POID int, cPOID s30, ivouchrowno int, cInvCode s60, iQuantity d30.10, iTaxPrice d28.6,"
    " iSum d19.4, dArriveDate dt, iArrQTY d28.6, iReceivedQTY d30.10, iAppIds int, cbCloser s20, dUfts version",
    "PU_ArrivalVouch": "ID int pk, cCode s30, dDate dt, cVenCode s20, cBusType s8, iBillType int, cMaker s20,"
    " cverifier s20, cpocode s64, ufts version",
    "PU_ArrivalVouchs": "Autoid int pk, ID int, cInvCode s60, cWhCode s10, cBatch s60, iQuantity d28.6,"
    " fValidQuantity d20.6, fRefuseQuantity d20.6, iPOsID int, cordercode s50",
    "SO_SOMain": "ID int pk, cSOCode s30, dDate dt, cCusCode s20, cPersonCode s20, cSTCode s2, cexch_name s8,"
    " iStatus int, cMaker s20, cVerifier s20, cCloser s20, dmodifysystime dt, ufts version",
    "SO_SODetails": "AutoID int pk, ID int, iSOsID int, iRowNo int, cSOCode s30, cInvCode s60, iQuantity d30.10,"
    " iFHQuantity d30.10, iSum d19.4, dPreDate dt, cSCloser s20, dufts version",
    "PU_AppVouch": "ID int pk, cCode s30, dDate dt, cDepCode s12, cPersonCode s20, cPTCode s2, cBusType s8, iVTid int,"
    " cMaker s20, cMakeTime dt, cMemo s255, cVerifier s20, cCloser s20, iverifystateex int, csysbarcode s60,"
    " cDefine1 s20, cDefine2 s20, cDefine3 s20, cDefine8 s4, cDefine9 s8, cDefine10 s60, cDefine11 s120,"
    " cDefine12 s120, cDefine13 s120, cDefine14 s120, ufts version",
    "PU_AppVouchs": "AutoID int pk, ID int, cVenCode s20, cInvCode s60, fQuantity d28.6, fUnitPrice d28.6,"
    " iPerTaxRate d28.6, fTaxPrice d28.6, fMoney d28.6, dRequirDate dt, dArriveDate dt, iReceivedQTY d28.6, bTaxCost bit,"
    " iExchRate float, cexch_name s8, cUnitID s35, ivouchrowno int, cbcloser s20, cbsysbarcode s80, dUfts version",
    "VoucherHistory": "CardNumber s40, cContent s40, cContentRule s40, cSeed s40, cNumber s30",
    "gl_mend": "iyear int, iperiod int, bflag_PU bit, bflag_ST bit",
    "UA_Identity": "cAcc_Id s3, cVouchType s20, iFatherId int, iChildId int",
    "bas_part": "PartId int pk, InvCode s60, Free1 s20",
    "bom_bom": "BomId int pk, BomType int, Version int, VersionEffDate dt, Status int, Ufts version",
    "bom_parent": "ParentId int, BomId int",
    "bom_opcomponent": "OpComponentId int pk, BomId int, ComponentId int, SortSeq int, BaseQtyN d28.6, BaseQtyD d28.6,"
    " CompScrap d8.3, EffBegDate dt, EffEndDate dt, OptionsId int, Ufts version",
    "bom_opcomponentsub": "ComponentSubId int pk, OpComponentId int, Sequence int, PartId int, Factor d28.6,"
    " EffBegDate dt, EffEndDate dt, ReplaceFlag bit, Ufts version",
}
INDEXES = (
    ("PO_Podetails", "POID"),
    ("PO_Podetails", "cInvCode"),
    ("PU_ArrivalVouchs", "iPOsID"),
    ("PU_ArrivalVouchs", "ID"),
    ("SO_SODetails", "ID"),
    ("SO_SOMain", "cCusCode"),
    ("CurrentStock", "cInvCode"),
)
_TYPES = {
    "sqlite": {
        "int": "INTEGER",
        "float": "FLOAT",
        "bit": "BIT",
        "dt": "TIMESTAMP",
        "version": "BIGINT",
        "id": "INTEGER",
    },
    "postgresql": {
        "int": "INTEGER",
        "float": "DOUBLE PRECISION",
        "bit": "SMALLINT",
        "dt": "TIMESTAMP",
        "version": "BIGINT",
        "id": "INTEGER GENERATED BY DEFAULT AS IDENTITY",
    },
}
# Advisory locks of class 8008 stand for open transactions and the first row version that they may have taken.

_POSTGRES = """
CREATE SEQUENCE dbts;
SELECT nextval('dbts');
CREATE FUNCTION min_active_rowversion() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$
  SELECT COALESCE((SELECT MIN(objid::bigint) FROM pg_locks WHERE locktype = 'advisory' AND classid = 8008
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
    (SELECT last_value FROM dbts)) + 1 $$;
CREATE FUNCTION next_rowversion() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('u8.transaction', true) IS DISTINCT FROM txid_current()::text THEN
    PERFORM pg_advisory_xact_lock_shared(8008, (SELECT last_value FROM dbts)::int);
    PERFORM set_config('u8.transaction', txid_current()::text, true);
  END IF;
  RETURN nextval('dbts');
END $$;
CREATE FUNCTION sp_getid(remote text, account text, kind text, amount int, OUT head int, OUT line int)
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE UA_Identity SET iFatherId = iFatherId + 1, iChildId = iChildId + amount
    WHERE cAcc_Id = account AND cVouchType = kind
    RETURNING 1000000000 + iFatherId, 1000000000 + iChildId INTO head, line;
END $$;
"""
_SQLITE = """
CREATE TABLE dbts (value BIGINT);
INSERT INTO dbts VALUES (1);
CREATE TABLE active_rowversion (value BIGINT);
CREATE VIEW min_active_rowversion AS
  SELECT COALESCE((SELECT MIN(value) FROM active_rowversion), (SELECT value FROM dbts) + 1) AS value;
"""


def system_script(kind: str) -> str:
    """What makes UFSystem. `kind`: sqlite or postgresql."""
    return "".join(_table(kind, name, columns, ()) for name, columns in SYSTEM.items())


def data_script(kind: str, without: Collection[str] = ()) -> str:
    """What makes an account set's database; `without`: tables (`bom_bom`) and columns (`Inventory.iTopSum`) that this
    older U8 does not have."""
    script = _SQLITE if kind == "sqlite" else _POSTGRES
    for name, columns in DATA.items():
        if name not in without:
            script += _table(kind, name, columns, without)
    for table, column in INDEXES:
        if table not in without and f"{table}.{column}" not in without:
            script += f"CREATE INDEX ix_{table}_{column} ON {table} ({column});\n"
    return script


def version_column(table: str) -> str:
    """The row version's column of a table, "" where it has none."""
    found = [name for name, kind, _ in _parsed(DATA[table]) if kind == "version"]
    return found[0] if found else ""


def columns_of(table: str) -> list[str]:
    """The columns of a table of an account set, in order."""
    return [name for name, _, _ in _parsed(DATA[table])]


def _parsed(columns: str) -> list[tuple[str, str, bool]]:
    return [(words[0], words[1], len(words) > 2) for words in (each.split() for each in columns.split(","))]


def _table(kind: str, name: str, text: str, without: Collection[str]) -> str:
    columns = [each for each in _parsed(text) if f"{name}.{each[0]}" not in without]
    lines = [
        f"{column} {_type(kind, type_)}{' PRIMARY KEY' if key or type_ == 'id' else ''}"
        for column, type_, key in columns
    ]
    made = f"CREATE TABLE {name} ({', '.join(lines)});\n"
    version = next((column for column, type_, _ in columns if type_ == "version"), "")
    if not version:
        return made
    others = ", ".join(column for column, type_, _ in columns if type_ != "version")
    return made + (_sqlite_trigger if kind == "sqlite" else _postgres_trigger)(name, version, others)


def _type(kind: str, type_: str) -> str:
    if type_[0] == "s" and type_[1:].isdigit():
        return f"VARCHAR({type_[1:]})"
    if type_[0] == "d" and type_[1].isdigit():
        return f"DECIMAL({type_[1:].replace('.', ',')})"
    return _TYPES[kind][type_]


def _sqlite_trigger(table: str, version: str, others: str) -> str:
    own = f"UPDATE {table} SET {version} = (SELECT value FROM dbts) WHERE rowid = NEW.rowid"  # noqa: S608
    body = f"UPDATE dbts SET value = value + 1; {own};"  # noqa: S608
    return (
        f"CREATE TRIGGER {table}_added AFTER INSERT ON {table} WHEN NEW.{version} IS NULL BEGIN {body} END;\n"
        f"CREATE TRIGGER {table}_changed AFTER UPDATE OF {others} ON {table} BEGIN {body} END;\n"
    )


def _postgres_trigger(table: str, version: str, others: str) -> str:
    return (
        f"CREATE FUNCTION {table}_version() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN NEW.{version} := next_rowversion(); RETURN NEW; END $$;\n"
        f"CREATE TRIGGER {table}_added BEFORE INSERT ON {table} FOR EACH ROW WHEN (NEW.{version} IS NULL)"
        f" EXECUTE FUNCTION {table}_version();\n"
        f"CREATE TRIGGER {table}_changed BEFORE UPDATE OF {others} ON {table} FOR EACH ROW"
        f" EXECUTE FUNCTION {table}_version();\n"
    )
