// Package main has a middleware for net/http that asks devapp about each call, and an API that
// says who calls it.
package main

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Caller is who makes a call, by the name of the field of devapp's answer: App-Id, App, Owner,
// Credential-Id, Product, Environment, Scopes.
type Caller map[string]string

type callerKey struct{}

// CallerOf returns who makes a call that Devapp has let through.
func CallerOf(r *http.Request) Caller {
	caller, _ := r.Context().Value(callerKey{}).(Caller)
	return caller
}

// Devapp lets a call through to next if devapp does, and answers it otherwise.
func Devapp(authURL, key, options string, next http.Handler) http.Handler {
	client := &http.Client{Timeout: 2 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	refuse := func(w http.ResponseWriter, status int) { http.Error(w, http.StatusText(status), status) }
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		question, err := http.NewRequestWithContext(r.Context(), http.MethodGet, authURL, nil)
		if err != nil {
			refuse(w, http.StatusServiceUnavailable)
			return
		}
		for _, name := range []string{"Authorization", "X-Api-Key", "Dpop"} {
			// two fields of one name can mean anything, so they are not a key
			if values := r.Header.Values(name); len(values) == 1 {
				question.Header.Set(name, values[0])
			}
		}
		address, _, _ := net.SplitHostPort(r.RemoteAddr)
		question.Header.Set("X-Devapp-Gateway", key+"; client="+address+"; "+options)
		question.Header.Set("X-Forwarded-Method", r.Method)
		question.Header.Set("X-Forwarded-Uri", r.RequestURI)
		answer, err := client.Do(question)
		if err != nil {
			refuse(w, http.StatusServiceUnavailable)
			return
		}
		defer answer.Body.Close()
		// without a verdict it was not the client's key that was refused
		if answer.Header.Get("X-Devapp-Code") == "" {
			refuse(w, http.StatusServiceUnavailable)
			return
		}
		for _, name := range []string{"Www-Authenticate", "Retry-After", "Ratelimit", "Ratelimit-Policy"} {
			if value := answer.Header.Get(name); value != "" {
				w.Header().Set(name, value)
			}
		}
		if answer.StatusCode != http.StatusOK {
			refuse(w, answer.StatusCode)
			return
		}
		caller := Caller{}
		for _, name := range []string{"App-Id", "App", "Owner", "Credential-Id", "Product", "Environment", "Scopes"} {
			caller[name], _ = url.PathUnescape(answer.Header.Get("X-Devapp-" + name))
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, caller)))
	})
}
