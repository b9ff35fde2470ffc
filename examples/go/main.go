package main

import (
	"encoding/json"
	"log"
	"net/http"
	"os"
)

func setting(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

func main() {
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(CallerOf(r)); err != nil {
			log.Print(err)
		}
	})
	handler := Devapp(setting("DEVAPP_AUTH_URL", "http://127.0.0.1:8080/auth"), os.Getenv("DEVAPP_GATEWAY_KEY"),
		os.Getenv("DEVAPP_GATEWAY_OPTIONS"), api)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+setting("PORT", "9000"), handler))
}
