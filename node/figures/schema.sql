-- Figures that our own people were shown: what was asked, whose children are in it, and the protected table as it was
-- shown. What is asked for again is shown again as it was, and what is new is protected beside all of these.
CREATE TABLE IF NOT EXISTS figures_shown (
    figure_id TEXT PRIMARY KEY,
    measure TEXT NOT NULL,
    breakdown TEXT NOT NULL,
    schools TEXT NOT NULL,
    sql TEXT NOT NULL,
    plan_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    snapshot TEXT NOT NULL,
    preset TEXT NOT NULL,
    preset_version TEXT NOT NULL,
    rows TEXT NOT NULL,
    implied TEXT NOT NULL,
    shown_at TEXT NOT NULL,
    UNIQUE (plan_id, schools, snapshot, preset, preset_version)
);
CREATE INDEX IF NOT EXISTS figures_by_subject ON figures_shown (subject, snapshot);
-- Releases of sums that this authority was asked for, and that stand beside its figures as those of the nation and regions.
CREATE TABLE IF NOT EXISTS figures_released (
    query_id TEXT PRIMARY KEY,
    plan_id TEXT NOT NULL,
    document BLOB NOT NULL,
    fetched_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS figures_released_by_plan ON figures_released (plan_id)
