// Renders a Helm chart as `helm template` does, where there is no helm: Debian does not package it, but it packages what helm
// is made of (Go's templates, sprig, gojsonschema). For a chart of plain templates: no dependencies, no hooks, no `lookup`.
//
//	go run scripts/render_chart.go CHART RELEASE [VALUES.yaml]        (GO111MODULE=off GOPATH=/usr/share/gocode)
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"github.com/xeipuuv/gojsonschema"
	"sigs.k8s.io/yaml"
)

type object = map[string]interface{}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: render_chart CHART RELEASE [VALUES.yaml]")
		os.Exit(2)
	}
	if err := render(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func render(folder, release string, valueFiles []string) error {
	described, err := read(filepath.Join(folder, "Chart.yaml"), numbersAsText)
	if err != nil {
		return err
	}
	// Helm keeps the numbers of a chart's own values as text and makes floats of those it is given: both must do.
	values, err := read(filepath.Join(folder, "values.yaml"), numbersAsText)
	if err != nil {
		return err
	}
	for _, path := range valueFiles {
		given, err := read(path)
		if err != nil {
			return err
		}
		overlay(values, given)
	}
	if err := check(values, filepath.Join(folder, "values.schema.json")); err != nil {
		return err
	}
	return execute(folder, object{
		"Values":  values,
		"Release": object{"Name": release, "Namespace": "default", "Service": "Helm", "IsInstall": true, "Revision": 1},
		"Chart": object{
			"Name": described["name"], "Version": described["version"], "AppVersion": described["appVersion"],
		},
	})
}

// Prints every template but the named ones, which begin with an underscore. Each sees its own path, as helm has it.
func execute(folder string, context object) error {
	paths, err := filepath.Glob(filepath.Join(folder, "templates", "*"))
	if err != nil {
		return err
	}
	all := template.New("chart").Option("missingkey=zero").Funcs(sprig.TxtFuncMap())
	all.Funcs(template.FuncMap{
		"include": func(name string, data interface{}) (string, error) {
			var text strings.Builder
			err := all.ExecuteTemplate(&text, name, data)
			return text.String(), err
		},
		"toYaml": func(value interface{}) (string, error) {
			text, err := yaml.Marshal(value)
			return strings.TrimSuffix(string(text), "\n"), err
		},
	})
	base := filepath.Join(fmt.Sprint(context["Chart"].(object)["Name"]), "templates")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if _, err := all.New(filepath.Join(base, filepath.Base(path))).Parse(string(text)); err != nil {
			return err
		}
	}
	for _, path := range paths {
		name := filepath.Join(base, filepath.Base(path))
		if strings.HasPrefix(filepath.Base(path), "_") {
			continue
		}
		context["Template"] = object{"Name": name, "BasePath": base}
		var text strings.Builder
		if err := all.ExecuteTemplate(&text, name, context); err != nil {
			return err
		}
		// Missing values would otherwise go into the cluster as words.
		if strings.Contains(text.String(), "<no value>") {
			return fmt.Errorf("%s: a value is missing", name)
		}
		if strings.HasSuffix(name, ".txt") {
			fmt.Fprintln(os.Stderr, text.String())
		} else if strings.TrimSpace(text.String()) != "" {
			fmt.Printf("---\n# Source: %s\n%s\n", name, strings.TrimSpace(text.String()))
		}
	}
	return nil
}

func numbersAsText(decoder *json.Decoder) *json.Decoder {
	decoder.UseNumber()
	return decoder
}

func read(path string, options ...yaml.JSONOpt) (object, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var read object
	if err := yaml.Unmarshal(text, &read, options...); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return read, nil
}

// Lays what was given over the chart's own values; null takes a value out.
func overlay(values, given object) {
	for name, value := range given {
		inner, isObject := value.(object)
		under, wasObject := values[name].(object)
		switch {
		case value == nil:
			delete(values, name)
		case isObject && wasObject:
			overlay(under, inner)
		default:
			values[name] = value
		}
	}
}

func check(values object, schemaPath string) error {
	absolute, err := filepath.Abs(schemaPath)
	if err != nil {
		return err
	}
	text, err := json.Marshal(values)
	if err != nil {
		return err
	}
	schema := gojsonschema.NewReferenceLoader("file://" + absolute)
	result, err := gojsonschema.Validate(schema, gojsonschema.NewBytesLoader(text))
	if err != nil {
		return err
	}
	problems := []string{}
	for _, problem := range result.Errors() {
		problems = append(problems, "values: "+problem.String())
	}
	if len(problems) > 0 {
		return fmt.Errorf("%s", strings.Join(problems, "\n"))
	}
	return nil
}
