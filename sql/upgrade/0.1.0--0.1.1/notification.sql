-- replaces: TABLE devapp.notification
ALTER TABLE devapp.notification
    DROP CONSTRAINT notification_is_about_an_app,
    ADD CONSTRAINT notification_is_about_an_app CHECK (app_id IS NOT NULL OR event IN ('team_invited', 'team_member_added', 'developer_activated', 'developer_deactivated', 'developer_registered'));
