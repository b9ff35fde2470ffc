-- drops: TRIGGER notify_developer_deactivated ON devapp.developer
-- drops: FUNCTION devapp_internal.notify_developer_deactivated()
-- drops: FUNCTION devapp_internal.refuse_reference(kind text, typed text)
-- drops: FUNCTION devapp_internal.quoted_reference(kind text, typed text)
DROP TRIGGER notify_developer_deactivated ON devapp.developer;
DROP FUNCTION devapp_internal.notify_developer_deactivated();
DROP FUNCTION devapp_internal.refuse_reference(text, text);
DROP FUNCTION devapp_internal.quoted_reference(text, text);
