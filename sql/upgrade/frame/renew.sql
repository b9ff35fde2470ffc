-- Declarations are made again: who may do what, and which function answers which request.
DELETE FROM devapp_internal.declared_grant;
DELETE FROM devapp_internal.route_document;
DELETE FROM devapp_internal.api_schema;
DELETE FROM devapp_api.route;
